//! A site's saved filters.

use crate::{
    components::{
        field::{Field, FormError, area, described_by},
        form_parts::{DoneNotice, PostButton, Refilled},
        settings_nav::{Section, SettingsFrame},
    },
    fns::goals::{RemoveSegment, SaveSegment, Section as Loaded, load_segments},
    pages::site_page::site_page,
};
use leptos::{form::ActionForm, prelude::*};
use pulsecast_protocol::{
    Domain,
    access::SegmentView,
    account::Role,
    stats::{Filter, Operator, Subject},
};

/// `/sites/{domain}/settings/segments`
#[component]
pub fn SegmentsPage() -> impl IntoView {
    site_page(load_segments, |page, sites| {
        let Loaded { domain, role, body } = page;
        let of = domain.clone();
        view! {
            <SettingsFrame domain=domain.clone() role sites section=Section::Segments>
                <SegmentList domain segments=body />
                <SegmentForm domain=of role />
            </SettingsFrame>
        }
        .into_any()
    })
}

/// A filter in words.
fn words(filter: &Filter) -> String {
    let all = |filters: &[Filter], between: &str| {
        let parts: Vec<_> = filters.iter().map(words).collect();
        match parts.len() {
            1 => parts.concat(),
            _ => format!("({})", parts.join(between)),
        }
    };
    match filter {
        Filter::And(filters) => all(filters, " and "),
        Filter::Or(filters) => all(filters, " or "),
        Filter::Not(filter) => format!("not {}", words(filter)),
        Filter::HasDone(filter) => format!("has done {}", words(filter)),
        Filter::HasNotDone(filter) => format!("has not done {}", words(filter)),
        Filter::Condition(condition) => {
            let subject = match &condition.subject {
                Subject::Dimension(dimension) => {
                    let name = String::from(dimension.clone());
                    let bare = name.trim_start_matches("event:").trim_start_matches("visit:");
                    bare.trim_start_matches("props:").replace('_', " ")
                }
                Subject::Segment => "segment".to_owned(),
            };
            let compares = match condition.operator {
                Operator::Is => "is",
                Operator::IsNot => "is not",
                Operator::Contains => "contains",
                Operator::ContainsNot => "does not contain",
                Operator::Matches => "matches",
                Operator::MatchesNot => "does not match",
            };
            format!("{subject} {compares} {}", condition.values.join(" or "))
        }
    }
}

#[component]
fn SegmentList(domain: Domain, segments: Vec<SegmentView>) -> impl IntoView {
    let refill = Refilled::of(ServerAction::<RemoveSegment>::new().value().get_untracked());
    let none = segments.is_empty();
    let row = move |view: SegmentView| {
        let SegmentView { segment, is_yours } = view;
        let fields = vec![("domain", domain.to_string()), ("id", segment.id.to_string())];
        let about = format!("Remove the segment {}", segment.name);
        let button =
            is_yours.then(|| view! { <PostButton to="/fn/remove-segment" fields label="Remove" about /> });
        let conditions: Vec<_> = segment.filters.iter().map(words).collect();
        view! {
            <li class="rows__row" data-testid="segment">
                <div class="rows__what">
                    <strong>{segment.name}</strong> " "
                    <span class="tag">{if segment.shared { "All members" } else { "Only you" }}</span>
                    <p class="field__hint">{conditions.join(" and ")}</p>
                </div>
                {button}
            </li>
        }
    };
    view! {
        <section class="panel form--panel" aria-labelledby="segments-title">
            <h2 class="form__title" id="segments-title">"Segments"</h2>
            <DoneNotice />
            <FormError text=refill.whole() />
            {none.then(|| view! { <p class="form__text">"No filter is saved yet. Set filters on the dashboard and save them there, or write them here."</p> })}
            <ul class="rows">{segments.into_iter().map(row).collect_view()}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn SegmentForm(domain: Domain, role: Role) -> impl IntoView {
    let action = ServerAction::<SaveSegment>::new();
    let refill = Refilled::of(action.value().get_untracked());
    let typed = move |name: &str| refill.typed(name);
    let shared = (role >= Role::Editor).then(|| {
        let is = !typed("shared").is_empty();
        view! {
            <label class="check">
                <input type="checkbox" name="shared" value="on" checked=is />
                <span>"For all members" <span class="check__note">"Shared links can be limited to it, too."</span></span>
            </label>
        }
    });
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"New segment"</h2>
            <FormError text=refill.whole() />
            <input type="hidden" name="domain" value=domain.to_string() />
            <Field id="name" label="Name" error=refill.field("name")>
                <input class="input" id="name" name="name" value=typed("name") required maxlength="120" aria-describedby=described_by("name") />
            </Field>
            <Field id="filters" label="Filters" error=refill.field("filters") hint=|| "A list, as the Stats API writes them: [[\"is\", \"visit:country\", [\"DE\"]]]. All of them have to be true.">
                <textarea class="input input--list" id="filters" name="filters" rows="4" spellcheck="false" required aria-describedby=described_by("filters")>{area(typed("filters"))}</textarea>
            </Field>
            {shared}
            <p class="form__actions"><button class="button button--main" type="submit">"Save segment"</button></p>
        </ActionForm>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_reads_as_a_sentence() {
        let json = r#"["or",[["is","visit:country",["DE","AT"]],["not",["contains_not","event:props:plan_name",["t"]]]]]"#;
        let filter: Filter = serde_json::from_str(json).unwrap();
        assert_eq!(
            words(&filter),
            "(country is DE or AT or not plan name does not contain t)"
        );
    }
}
