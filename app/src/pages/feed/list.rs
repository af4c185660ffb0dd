//! The items of a feed by what became of them, and how a site shows its feed.

use crate::{components::form_parts::TakeAway, format};
use leptos::prelude::*;
use pulsecast_protocol::{
    Domain,
    feed::{FeedEntry, FeedState},
};

/// What each list is called, and what it says when there is nothing in it.
fn heading(state: FeedState) -> &'static str {
    match state {
        FeedState::Live => "Shown now",
        FeedState::Scheduled => "Planned",
        FeedState::Draft => "Drafts",
        FeedState::Expired => "Ended",
        FeedState::Withdrawn => "Withdrawn",
    }
}

/// The items, a list a state.
#[component]
pub fn Entries(domain: Domain, entries: Vec<FeedEntry>) -> impl IntoView {
    let none = entries.is_empty();
    let mut rest = entries;
    let lists = FeedState::ALL.into_iter().filter_map(|state| {
        let (these, others): (Vec<_>, Vec<_>) = std::mem::take(&mut rest)
            .into_iter()
            .partition(|entry| entry.state == state);
        rest = others;
        let domain = domain.clone();
        (!these.is_empty()).then(|| {
            let id = format!("feed-{}", state.name());
            let row = move |entry: FeedEntry| view! { <EntryRow domain=domain.clone() entry /> };
            view! {
                <section class="panel form--panel" aria-labelledby=id.clone()>
                    <h2 class="form__title" id=id.clone()>{heading(state)}</h2>
                    <ul class="rows" data-testid=id.clone()>{these.into_iter().map(row).collect_view()}</ul>
                </section>
            }
        })
    });
    let lists = lists.collect_view();
    view! {
        {none.then(|| view! {
            <section class="panel form--panel">
                <h2 class="form__title">"Nothing published yet"</h2>
                <p class="form__text">"What you publish here appears at once on all open pages of the site, and on those that are opened later until it ends."</p>
            </section>
        })}
        {lists}
    }
    .into_any()
}

/// What an item is called in lists.
fn name(entry: &FeedEntry) -> String {
    let first = |text: &str| {
        text.lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let name = [&entry.draft.title, &entry.draft.text, &entry.draft.url]
        .into_iter()
        .map(|text| first(text))
        .find(|text| !text.is_empty());
    let name = name.unwrap_or_else(|| "Empty".to_owned());
    match name.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

#[component]
fn EntryRow(domain: Domain, entry: FeedEntry) -> impl IntoView {
    let name = name(&entry);
    let FeedEntry {
        id,
        state,
        draft,
        is_changed,
        author,
        at,
        when,
        until,
        received,
    } = entry;
    let time = at.map(|at| view! { <time datetime=format::iso(at)>{when}</time> });
    let begun = match state {
        FeedState::Draft => view! { "Written" }.into_any(),
        FeedState::Scheduled => view! { "Will be published " {time} }.into_any(),
        _ => view! { "Published " {time} }.into_any(),
    };
    let ends = (!until.is_empty()).then(|| format!(", ends {until}"));
    let rules = [
        (!draft.path.is_empty()).then(|| format!(" For {}.", draft.path)),
        (!draft.countries.is_empty()).then(|| format!(" For {}.", draft.countries)),
    ];
    let counted = (!matches!(state, FeedState::Draft | FeedState::Scheduled)).then(|| {
        view! {
            <p class="feed-count" title="Pages that were open when it was published, and pages that were opened or came back since">
                <strong data-received=id.to_string() data-testid="feed-received">{format::number(received)}</strong> " page loads got it"
            </p>
        }
    });
    let tags = [(draft.pinned, "pinned"), (is_changed, "changed, not published")];
    let tags = tags
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, text)| view! { " " <span class="tag">{text}</span> });
    view! {
        <li class="rows__row" data-testid="feed-entry" data-item=id.to_string()>
            <div class="rows__what">
                <strong>{name.clone()}</strong> " " <span class="tag">{draft.kind.name()}</span> {tags.collect_view()}
                <p class="field__hint">{begun} {ends} {format!(" by {author}.")} {rules.into_iter().flatten().collect::<String>()}</p>
                {counted}
            </div>
            <div class="rows__controls"><Controls domain id state name /></div>
        </li>
    }
    .into_any()
}

#[component]
fn Controls(domain: Domain, id: i64, state: FeedState, name: String) -> impl IntoView {
    let over = match state {
        FeedState::Live | FeedState::Scheduled => ("withdraw", "Withdraw"),
        _ => ("remove", "Remove"),
    };
    let edit = match state {
        FeedState::Expired | FeedState::Withdrawn => "Use again",
        _ => "Edit",
    };
    let to = format!("/sites/{domain}/feed/{}", over.0);
    view! {
        <a class="button button--quiet button--small" href=format!("/sites/{domain}/feed?edit={id}") aria-label=format!("{edit} {name}")>{edit}</a>
        <form method="post" action=to class="inline-form">
            <input type="hidden" name="id" value=id.to_string() />
            <button class="button button--quiet button--small" type="submit" aria-label=format!("{} {name}", over.1)>{over.1}</button>
        </form>
    }
    .into_any()
}

/// How a site shows it.
#[component]
pub fn HowTo(domain: Domain, public_url: String) -> impl IntoView {
    let snippet =
        format!(r#"<script defer data-site="{domain}" data-feed src="{public_url}/js/live.js"></script>"#);
    let curl = format!(
        r#"curl {public_url}/api/publish -H "X-API-Key: $KEY" -d '{{"channel":"feed:{domain}","data":{{"title":"Hello"}}}}'"#
    );
    view! {
        <section class="panel form--panel" aria-labelledby="feed-how">
            <h2 class="form__title" id="feed-how">"Show it on your pages"</h2>
            <p class="form__text">"This tag shows new items in a small note in the corner; with an element " <code>"<div data-pulse-feed></div>"</code> " in the page they appear there instead."</p>
            <TakeAway id="feed-snippet" label="For the head of your pages" value=snippet />
            <p class="form__text">"Programs publish with an " <a href=format!("/sites/{domain}/keys")>"API key for publishing"</a> ":"</p>
            <TakeAway id="feed-curl" label="From a terminal or a cron job" value=curl />
        </section>
    }
    .into_any()
}
