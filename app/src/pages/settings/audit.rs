//! Who changed what of a site, and when.

use crate::{
    components::settings_nav::{Section, SettingsFrame},
    fns::{access::load_changes, goals::Section as Loaded},
    format,
    pages::site_page::site_page,
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use pulsecast_protocol::{Domain, access::ChangeView};
use serde_json::Value;

/// `/sites/{domain}/settings/audit`
#[component]
pub fn AuditPage() -> impl IntoView {
    let before = use_query_map().with_untracked(|query| query.get("before").and_then(|id| id.parse().ok()));
    let load = move |domain: Domain| load_changes(domain, before);
    site_page(load, |page, sites| {
        let Loaded { domain, role, body } = page;
        let of = domain.clone();
        view! {
            <SettingsFrame domain role sites section=Section::Audit>
                <Trail domain=of changes=body />
            </SettingsFrame>
        }
        .into_any()
    })
}

/// What was done, in words.
fn words(action: &str) -> String {
    let known = match action {
        "site.add" => "added the site",
        "site.settings" => "changed the settings",
        "site.exclusions" => "changed the exclusions",
        "site.retention" => "changed the retention",
        "site.transfer" => "transferred the site",
        "site.remove" => "removed the site",
        "goal.add" => "added a goal",
        "goal.change" => "changed a goal",
        "goal.remove" => "removed a goal",
        "funnel.add" => "added a funnel",
        "funnel.change" => "changed a funnel",
        "funnel.remove" => "removed a funnel",
        "segment.add" => "saved a shared segment",
        "segment.change" => "changed a shared segment",
        "segment.remove" => "removed a shared segment",
        "member.role" => "changed a role",
        "member.remove" => "removed a member",
        "member.leave" => "left",
        "member.join" => "joined",
        "invitation.add" => "invited somebody",
        "invitation.withdraw" => "withdrew an invitation",
        "link.add" => "made a shared link",
        "link.change" => "changed a shared link",
        "link.remove" => "removed a shared link",
        "key.add" => "made an API key",
        "key.revoke" => "revoked an API key",
        "visitors.settings" => "changed how visitors are known",
        "visitors.secret" => "made a new visitor secret",
        "visitors.secret.end" => "ended the old visitor secret",
        "visitors.revoke" => "turned a visitor away",
        "feed.publish" => "published a feed item",
        "feed.withdraw" => "withdrew a feed item",
        "feed.remove" => "removed a feed item",
        "import.add" => "began an import",
        "import.cancel" => "cancelled the import",
        "import.undo" => "undid an import",
        "data.delete" => "deleted data",
        "account.remove" => "removed their account",
        other => return other.replace('.', " "),
    };
    known.to_owned()
}

/// The details as `name: value`; of a change of settings only what differs.
fn details(what: &Value) -> Vec<String> {
    let Value::Object(map) = what else {
        return Vec::new();
    };
    if let (Some(Value::Object(from)), Some(Value::Object(to))) = (map.get("from"), map.get("to")) {
        let of = map.get("name").map(|name| format!("name: {}", text(Some(name))));
        let names = from
            .keys()
            .chain(to.keys().filter(|name| !from.contains_key(*name)));
        let differ = names.filter(|name| from.get(*name) != to.get(*name)).map(|name| {
            format!(
                "{}: {} → {}",
                name.replace('_', " "),
                text(from.get(name)),
                text(to.get(name))
            )
        });
        return of.into_iter().chain(differ).collect();
    }
    map.iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{}: {}", name.replace('_', " "), text(Some(value))))
        .collect()
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(is)) => if *is { "yes" } else { "no" }.to_owned(),
        Some(Value::Array(all)) if all.is_empty() => "none".to_owned(),
        Some(Value::Array(all)) => all
            .iter()
            .map(|one| text(Some(one)))
            .collect::<Vec<_>>()
            .join(", "),
        Some(other) => other.to_string(),
    }
}

#[component]
fn Trail(domain: Domain, changes: Vec<ChangeView>) -> impl IntoView {
    let none = changes.is_empty();
    // A full page may have another one behind it.
    let older = changes
        .last()
        .filter(|_| changes.len() >= 100)
        .map(|change| change.id);
    let row = |change: ChangeView| {
        view! {
            <tr data-testid="change">
                <td><time datetime=format::iso(change.at)>{change.when}</time></td>
                <td>{change.email}</td>
                <td>
                    {words(&change.action)}
                    <span class="field__hint">{details(&change.what).into_iter().map(|line| view! { <br />{line} }).collect_view()}</span>
                </td>
            </tr>
        }
    };
    view! {
        <section class="panel form--panel" aria-labelledby="audit-title">
            <h2 class="form__title" id="audit-title">"Audit trail"</h2>
            <p class="form__text">"Who changed what, by the site’s clock, the newest first."</p>
            {none.then(|| view! { <p class="form__text">"Nothing has been changed yet."</p> })}
            <div class="table-scroll" role="region" aria-label="Changes" tabindex="0">
                <table class="table">
                    <thead><tr><th scope="col">"When"</th><th scope="col">"Who"</th><th scope="col">"What"</th></tr></thead>
                    <tbody>{changes.into_iter().map(row).collect_view()}</tbody>
                </table>
            </div>
            {older.map(|id| view! { <p><a href=format!("/sites/{domain}/settings/audit?before={id}")>"Older changes"</a></p> })}
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_of_settings_shows_what_differs() {
        let what =
            json!({"from": {"a": 1, "zone": "UTC"}, "to": {"a": 1, "zone": "Europe/Berlin", "list": ["x"]}});
        assert_eq!(details(&what), ["zone: UTC → Europe/Berlin", "list: none → x"]);
        let role = json!({"member": "bob@example.com", "from": "viewer", "to": "admin"});
        assert_eq!(
            details(&role),
            ["from: viewer", "member: bob@example.com", "to: admin"]
        );
    }
}
