//! The form in which an item is written, and the item as visitors will see it.

use crate::components::field::{Field, area, described_by};
use crate::failure::sentence;
use leptos::prelude::*;
use pulsecast_protocol::{
    Domain,
    feed::{FeedDraft, FeedEditing, FeedItem, FeedKind, FeedState},
};

fn label(kind: FeedKind) -> &'static str {
    match kind {
        FeedKind::Message => "a message",
        FeedKind::Link => "a link",
        FeedKind::Embed => "a video or a map",
        FeedKind::Visit => "a page to visit",
    }
}

/// The form: empty for a new item, filled with the one that is being written.
#[component]
pub fn Compose(domain: Domain, timezone: String, editing: Option<FeedEditing>) -> impl IntoView {
    let state = editing.as_ref().map_or(FeedState::Draft, |editing| editing.state);
    let is_live = state == FeedState::Live;
    let is_new = editing.is_none();
    let (id, draft, errors) = match editing {
        Some(editing) => (Some(editing.id), editing.draft, editing.errors),
        None => (
            None,
            FeedDraft::default(),
            pulsecast_protocol::FieldErrors::default(),
        ),
    };
    let wrong = move |field: &str| {
        errors
            .errors
            .get(field)
            .map(|messages| sentence(&messages.join("; ")))
    };
    let title = match (is_new, is_live) {
        (true, _) => "New item",
        (false, true) => "Change what is shown",
        (false, false) => "Edit item",
    };
    let to = format!("/sites/{domain}/feed");
    let number = id.map(|id| id.to_string()).unwrap_or_default();
    let chosen = draft.kind;
    let kinds = FeedKind::ALL.into_iter().map(|kind| {
        view! {
            <label class="check"><input type="radio" name="kind" value=kind.name() checked=kind == chosen /><span>{label(kind)}</span></label>
        }
    });
    let has_rules = !draft.path.is_empty() || !draft.countries.is_empty();
    let has_times = !draft.publish_at.is_empty() || !draft.expires_at.is_empty() || draft.pinned;
    let discard = id.map(|id| view! { <Discard domain=domain.clone() id state /> });
    view! {
        <form class="panel form form--panel feed-form" method="post" action=to data-testid="feed-form">
            <h2 class="form__title">{title}</h2>
            <input type="hidden" name="id" value=number />
            // The first button is what Enter presses: it must not publish.
            <button class="feed-form__first" type="submit" name="action" value="preview" tabindex="-1" aria-hidden="true">"Preview"</button>
            <fieldset class="field field--set feed-form__kinds">
                <legend class="field__label">"This is"</legend>
                {kinds.collect_view()}
            </fieldset>
            <Field id="title" label="Title" error=wrong("title")>
                <input class="input" id="title" name="title" value=draft.title maxlength="140" autocomplete="off" aria-describedby=described_by("title") />
            </Field>
            <Field id="text" label="Text" error=wrong("text") hint=|| "Markdown: *emphasis*, **strong**, [a link](https://…), lists. Scripts and forms are taken out.">
                <textarea class="input feed-form__text" id="text" name="text" rows="6" maxlength="10000" aria-describedby=described_by("text")>{area(draft.text)}</textarea>
            </Field>
            <div class="feed-form__url">
                <Field id="url" label="Address" error=wrong("url") hint=|| "Where it leads: of your own site the path, such as /pricing; of a video or a map the address you would copy at YouTube, Vimeo or OpenStreetMap.">
                    <input class="input" id="url" name="url" value=draft.url maxlength="2000" inputmode="url" autocapitalize="none" spellcheck="false" aria-describedby=described_by("url") />
                </Field>
            </div>
            <Field id="image" label="Picture" error=wrong("image") hint=|| "An address that begins with https://. May stay empty.">
                <input class="input" id="image" name="image" value=draft.image maxlength="2000" inputmode="url" autocapitalize="none" spellcheck="false" aria-describedby=described_by("image") />
            </Field>
            <details class="feed-form__more" open=has_rules || wrong("path").is_some() || wrong("countries").is_some()>
                <summary>"Who sees it"</summary>
                <Field id="path" label="Pages" error=wrong("path") hint=|| "All of them, or those that match: /blog/** (* is any part of a name, ** anything).">
                    <input class="input" id="path" name="path" value=draft.path maxlength="500" autocapitalize="none" spellcheck="false" aria-describedby=described_by("path") />
                </Field>
                <Field id="countries" label="Countries" error=wrong("countries") hint=|| "All of them, or these: DE, AT. Visitors whose country is not known do not see it then. It is no secret: pages get everything and show what is meant for them.">
                    <input class="input" id="countries" name="countries" value=draft.countries maxlength="300" autocapitalize="characters" spellcheck="false" aria-describedby=described_by("countries") />
                </Field>
            </details>
            <details class="feed-form__more" open=has_times || wrong("publish_at").is_some() || wrong("expires_at").is_some()>
                <summary>"When"</summary>
                <Field id="publish_at" label="Publish at" error=wrong("publish_at") hint={let zone = timezone.clone(); move || format!("By the clock of {zone}; at once when it is empty.")}>
                    <input class="input" id="publish_at" name="publish_at" type="datetime-local" value=draft.publish_at aria-describedby=described_by("publish_at") />
                </Field>
                <Field id="expires_at" label="Ends at" error=wrong("expires_at") hint=move || format!("By the clock of {timezone}; never when it is empty.")>
                    <input class="input" id="expires_at" name="expires_at" type="datetime-local" value=draft.expires_at aria-describedby=described_by("expires_at") />
                </Field>
                <label class="check"><input type="checkbox" name="pinned" value="1" checked=draft.pinned /><span>"Pin it above the others"</span></label>
            </details>
            <p class="form__actions feed-form__actions">
                <button class="button" type="submit" name="action" value="preview">"Preview"</button>
                <button class="button button--main" type="submit" name="action" value="publish">{if is_live { "Publish change" } else { "Publish" }}</button>
                <button class="button button--quiet" type="submit" name="action" value="save">"Keep draft"</button>
            </p>
        </form>
        {discard}
    }
    .into_any()
}

/// The end of what was being written.
#[component]
fn Discard(domain: Domain, id: i64, state: FeedState) -> impl IntoView {
    let label = match state {
        FeedState::Draft => "Delete this draft",
        _ => "Forget this change",
    };
    view! {
        <form class="inline-form feed-discard" method="post" action=format!("/sites/{domain}/feed/discard")>
            <input type="hidden" name="id" value=id.to_string() />
            <button class="button button--quiet button--small" type="submit">{label}</button>
            <a class="button button--quiet button--small" href=format!("/sites/{domain}/feed")>"New item instead"</a>
        </form>
    }
    .into_any()
}

/// The item as the script shows it on the site's pages.
#[component]
pub fn Preview(item: FeedItem) -> impl IntoView {
    let FeedItem {
        kind,
        title,
        html,
        url,
        image,
        ..
    } = item;
    let more = url.filter(|_| matches!(kind, FeedKind::Link | FeedKind::Visit)).map(|url| {
        view! { <a class="feed-note__more" href=url rel="noopener nofollow" target="_blank">"Read more"</a> }
    });
    view! {
        <section class="panel form--panel" aria-labelledby="preview-title" data-testid="feed-preview">
            <h2 class="form__title" id="preview-title">"As visitors will see it"</h2>
            <div class="feed-note">
                {image.map(|image| view! { <img class="feed-note__image" src=image alt="" loading="lazy" referrerpolicy="no-referrer" /> })}
                {(!title.is_empty()).then(|| view! { <p class="feed-note__title">{title}</p> })}
                // Made and cleaned by the server: see feed/html.rs there.
                <div class="feed-note__text" inner_html=html></div>
                {more}
            </div>
        </section>
    }
    .into_any()
}
