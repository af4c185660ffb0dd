//! A site's shared links.

use crate::{
    components::{
        field::{Field, FormError, described_by},
        form_parts::{DoneNotice, EditLink, PostButton, Refilled, SaveOrAdd, TakeAway, edited},
        settings_nav::{Section, SettingsFrame},
    },
    fns::{
        access::{AddLink, ChangeLink, Links, RemoveLink, load_links},
        goals::Section as Loaded,
    },
    format,
    pages::site_page::site_page,
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;
use pulsecast_protocol::{
    Domain, Timestamp,
    access::{LinkView, SegmentView},
};

/// `/sites/{domain}/settings/links`
#[component]
pub fn LinksPage() -> impl IntoView {
    site_page(load_links, |page, sites| {
        let Loaded { domain, role, body } = page;
        let Links {
            links,
            segments,
            public_url,
        } = body;
        let of = domain.clone();
        let changed = edited().and_then(|id| links.iter().find(|link| link.id == id).cloned());
        let form = match changed {
            Some(link) => view! { <EditForm domain=domain.clone() link /> }.into_any(),
            None => view! { <LinkForm domain=domain.clone() segments /> }.into_any(),
        };
        view! {
            <SettingsFrame domain role sites section=Section::Links>
                <LinkList domain=of links public_url />
                {form}
            </SettingsFrame>
        }
        .into_any()
    })
}

fn day(at: Timestamp) -> String {
    format::iso(at).get(..10).unwrap_or_default().to_owned()
}

/// What a link is like, in words.
fn about(link: &LinkView) -> String {
    let mut parts = vec![format!("Made on {}", day(link.created))];
    if let Some(segment) = &link.segment {
        parts.push(format!("shows {segment} only"));
    }
    if link.has_password {
        parts.push("asks for a password".to_owned());
    }
    if link.embed {
        parts.push("may be embedded".to_owned());
    }
    parts.push(match link.expires {
        Some(at) if link.is_expired => format!("expired on {}", day(at)),
        Some(at) => format!("expires on {}", day(at)),
        None => "never expires".to_owned(),
    });
    parts.push(link.last_used.map_or("not opened yet".to_owned(), |at| {
        format!("last opened on {}", day(at))
    }));
    format!("{}.", parts.join(", "))
}

#[component]
fn LinkList(domain: Domain, links: Vec<LinkView>, public_url: String) -> impl IntoView {
    let refill = Refilled::of(ServerAction::<RemoveLink>::new().value().get_untracked());
    let none = links.is_empty();
    let row = move |link: LinkView| {
        let fields = vec![("domain", domain.to_string()), ("id", link.id.to_string())];
        let label = format!("Remove the link {}", link.name);
        let edit = format!("Edit the link {}", link.name);
        let hint = about(&link);
        view! {
            <li class="rows__row" data-testid="link">
                <div class="rows__what">
                    <strong>{link.name}</strong> " " <code>"/share/" {link.prefix} "…"</code>
                    {link.is_expired.then(|| view! { " " <span class="tag">"Expired"</span> })}
                    <p class="field__hint">{hint}</p>
                </div>
                <div class="rows__controls">
                    <EditLink id=link.id about=edit />
                    <PostButton to="/fn/remove-link" fields label="Remove" about=label />
                </div>
            </li>
        }
    };
    view! {
        <section class="panel form--panel" aria-labelledby="links-title">
            <h2 class="form__title" id="links-title">"Shared links"</h2>
            <DoneNotice />
            <FormError text=refill.whole() />
            <FreshLink public_url />
            {none.then(|| view! { <p class="form__text">"Nobody but members sees this dashboard. A shared link shows it to whoever has the address."</p> })}
            <ul class="rows">{links.into_iter().map(row).collect_view()}</ul>
        </section>
    }
    .into_any()
}

/// The link that was just made.
#[component]
fn FreshLink(public_url: String) -> impl IntoView {
    let (slug, framed) =
        use_query_map().with_untracked(|query| (query.get("made"), query.get_str("framed").is_some()));
    slug.map(|slug| {
        let value = format!("{public_url}/share/{slug}");
        let frame = framed.then(|| {
            format!(
                r#"<iframe src="{value}?embed=true&theme=system" title="Statistics" style="width:100%;height:1600px;border:0" loading="lazy"></iframe>"#
            )
        });
        view! {
            <div class="notice notice--good" role="status">
                <p>"Take the address now: only a fingerprint of it is kept, and it is not shown again."</p>
                <TakeAway id="share-link" label="Address" value />
                {frame.map(|value| view! {
                    <TakeAway id="share-frame" label="To embed it, with theme=light, dark or system" value />
                })}
            </div>
        }
    })
}

#[component]
fn LinkForm(domain: Domain, segments: Vec<SegmentView>) -> impl IntoView {
    let action = ServerAction::<AddLink>::new();
    let refill = Refilled::of(action.value().get_untracked());
    let typed = move |name: &str| refill.typed(name);
    let chosen = typed("segment");
    let option = move |view: SegmentView| {
        let id = view.segment.id.to_string();
        let is = id == chosen;
        view! { <option value=id selected=is>{view.segment.name}</option> }
    };
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"New link"</h2>
            <FormError text=refill.whole() />
            <input type="hidden" name="domain" value=domain.to_string() />
            <Field id="name" label="Name" error=refill.field("name") hint=|| "Whom it is for, so that you know what removing it ends.">
                <input class="input" id="name" name="name" value=typed("name") required maxlength="120" aria-describedby=described_by("name") />
            </Field>
            <Field id="password" label="Password" error=refill.field("password") hint=|| "At least 10 characters, or empty for none.">
                <input class="input" id="password" name="password" type="password" autocomplete="new-password" aria-describedby=described_by("password") />
            </Field>
            <Field id="segment" label="Shows" error=refill.field("segment") hint=|| "Limited to a shared segment, whoever holds the link sees nothing beyond it, whatever filters they set.">
                <select class="input" id="segment" name="segment" aria-describedby=described_by("segment")>
                    <option value="">"Everything"</option>
                    {segments.into_iter().map(option).collect_view()}
                </select>
            </Field>
            <Field id="expires" label="Expires after days" error=refill.field("expires") hint=|| "Empty for never.">
                <input class="input" id="expires" name="expires" value=typed("expires") inputmode="numeric" maxlength="4" aria-describedby=described_by("expires") />
            </Field>
            <label class="check">
                <input type="checkbox" name="embed" value="on" checked=!typed("embed").is_empty() />
                <span>"May be embedded" <span class="check__note">"Pages anywhere can show it in a frame."</span></span>
            </label>
            <p class="form__actions"><button class="button button--main" type="submit">"Make link"</button></p>
        </ActionForm>
    }
    .into_any()
}

/// The form of a link that is there: its address and what it shows stay.
#[component]
fn EditForm(domain: Domain, link: LinkView) -> impl IntoView {
    let refill = Refilled::of(ServerAction::<ChangeLink>::new().value().get_untracked());
    let ticked = move |name: &str| refill.given(name).is_some_and(|is| !is.is_empty());
    let (asks, ends) = (link.has_password, link.expires.is_some());
    let open = asks.then(|| {
        view! {
            <label class="check">
                <input type="checkbox" name="no_password" value="on" checked=ticked("no_password") />
                <span>"No password any more"</span>
            </label>
        }
    });
    let never = ends.then(|| {
        view! {
            <label class="check">
                <input type="checkbox" name="never" value="on" checked=ticked("never") />
                <span>"Never expires"</span>
            </label>
        }
    });
    let password_hint = if asks {
        "At least 10 characters. Empty for the one that it has."
    } else {
        "At least 10 characters. Empty for none, as it is now."
    };
    let end_hint = match link.expires {
        Some(at) => format!("From now on. Empty for the end that it has, {}.", day(at)),
        None => "From now on. Empty for never, as it is now.".to_owned(),
    };
    view! {
        <form action="/fn/change-link" method="post" class="panel form form--panel" id="edit">
            <h2 class="form__title">{format!("Edit {}", link.name)}</h2>
            <p class="form__text">"Its address stays. With another password or end, whoever has it open is asked anew."</p>
            <FormError text=refill.whole() />
            <input type="hidden" name="domain" value=domain.to_string() />
            <input type="hidden" name="id" value=link.id.to_string() />
            <Field id="name" label="Name" error=refill.field("name")>
                <input class="input" id="name" name="name" value=refill.or("name", link.name) required maxlength="120" aria-describedby=described_by("name") />
            </Field>
            <Field id="password" label="New password" error=refill.field("password") hint=move || password_hint>
                <input class="input" id="password" name="password" type="password" autocomplete="new-password" aria-describedby=described_by("password") />
            </Field>
            {open}
            <Field id="expires" label="Expires after days" error=refill.field("expires") hint=move || end_hint.clone()>
                <input class="input" id="expires" name="expires" value=refill.typed("expires") inputmode="numeric" maxlength="4" aria-describedby=described_by("expires") />
            </Field>
            {never}
            <SaveOrAdd changes=true add="" />
        </form>
    }
    .into_any()
}
