//! A site's saved filters.

use crate::{
    components::{
        field::{Field, FormError, area, described_by},
        form_parts::{DoneNotice, EditLink, PostButton, Refilled, SaveOrAdd, edited},
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
    stats::{Filter, Operator, Segment, Subject},
};

/// `/sites/{domain}/settings/segments`
#[component]
pub fn SegmentsPage() -> impl IntoView {
    site_page(load_segments, |page, sites| {
        let Loaded { domain, role, body } = page;
        let of = domain.clone();
        let mut theirs = body.iter().filter(|view| view.is_yours).map(|view| &view.segment);
        let changed = edited().and_then(|id| theirs.find(|segment| segment.id == id).cloned());
        view! {
            <SettingsFrame domain=domain.clone() role sites section=Section::Segments>
                <SegmentList domain segments=body />
                <SegmentForm domain=of role changed />
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
        let edit = format!("Edit the segment {}", segment.name);
        let controls = is_yours.then(|| {
            view! {
                <EditLink id=segment.id about=edit />
                <PostButton to="/fn/remove-segment" fields label="Remove" about />
            }
        });
        let conditions: Vec<_> = segment.filters.iter().map(words).collect();
        view! {
            <li class="rows__row" data-testid="segment">
                <div class="rows__what">
                    <strong>{segment.name}</strong> " "
                    <span class="tag">{if segment.shared { "All members" } else { "Only you" }}</span>
                    <p class="field__hint">{conditions.join(" and ")}</p>
                </div>
                <div class="rows__controls">{controls}</div>
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
fn SegmentForm(domain: Domain, role: Role, changed: Option<Segment>) -> impl IntoView {
    let action = ServerAction::<SaveSegment>::new();
    let refill = Refilled::of(action.value().get_untracked());
    let id = changed.as_ref().map(|segment| segment.id);
    let title = match &changed {
        Some(segment) => format!("Edit {}", segment.name),
        None => "New segment".to_owned(),
    };
    let set = changed.map(|segment| {
        let filters = serde_json::to_string(&segment.filters).unwrap_or_default();
        (segment.name, filters, if segment.shared { "on" } else { "" })
    });
    let (name, filters, is_shared) = set.unwrap_or_default();
    let shared = (role >= Role::Editor).then(|| {
        let is = !refill.or("shared", is_shared).is_empty();
        view! {
            <label class="check">
                <input type="checkbox" name="shared" value="on" checked=is />
                <span>"For all members" <span class="check__note">"Shared links can be limited to it, too."</span></span>
            </label>
        }
    });
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title" id="edit">{title}</h2>
            <FormError text=refill.whole() />
            <input type="hidden" name="domain" value=domain.to_string() />
            {id.map(|id| view! { <input type="hidden" name="id" value=id.to_string() /> })}
            <Field id="name" label="Name" error=refill.field("name")>
                <input class="input" id="name" name="name" value=refill.or("name", name) required maxlength="120" aria-describedby=described_by("name") />
            </Field>
            <Field id="filters" label="Filters" error=refill.field("filters") hint=|| "A list, as the Stats API writes them: [[\"is\", \"visit:country\", [\"DE\"]]]. All of them have to be true.">
                <textarea class="input input--list" id="filters" name="filters" rows="4" spellcheck="false" required aria-describedby=described_by("filters")>{area(refill.or("filters", filters))}</textarea>
            </Field>
            {shared}
            <SaveOrAdd changes=id.is_some() add="Save segment" />
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
