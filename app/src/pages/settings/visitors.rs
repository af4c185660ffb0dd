//! A site's signed-in visitors: whose word about them is believed, who was turned away, and what rooms show.

use crate::{
    components::{
        field::{Field, FormError, area, described_by},
        form_parts::{DoneNotice, PostButton, Refilled, TakeAway},
        settings_nav::{Section, SettingsFrame},
    },
    fns::{
        goals::Section as Loaded,
        visitors::{RenewVisitorSecret, RevokeVisitor, SaveVisitors, load_visitors},
    },
    format,
    pages::site_page::site_page,
};
use leptos::{form::ActionForm, prelude::*};
use pulsecast_protocol::{
    Domain, Timestamp,
    visitor::{
        KeySetAlgorithm, RevokedKind, RevokedView, RoomPresence, TokenTrust, VisitorSettings, VisitorsView,
    },
};

/// `/sites/{domain}/settings/visitors`
#[component]
pub fn VisitorsPage() -> impl IntoView {
    site_page(load_visitors, |page, sites| {
        let Loaded { domain, role, body } = page;
        let VisitorsView {
            settings,
            has_secret,
            old_until,
            fresh,
            revoked,
            ..
        } = body;
        let by_secret = settings.tokens == TokenTrust::Secret;
        let of = domain.clone();
        view! {
            <SettingsFrame domain=domain.clone() role sites section=Section::Visitors>
                <FreshSecret fresh />
                <SettingsForm domain=domain.clone() settings />
                {(by_secret || has_secret).then(|| view! { <SecretForm domain=domain.clone() has_secret old_until /> })}
                <RevokeForm domain=domain.clone() revoked />
                <HowTo domain=of />
            </SettingsFrame>
        }
        .into_any()
    })
}

/// The secret that was just made.
#[component]
fn FreshSecret(fresh: Option<String>) -> impl IntoView {
    fresh.map(|value| {
        view! {
            <div class="notice notice--good" role="status">
                <p>"Take the secret now and give it to your own server, nobody else: it is not shown again."</p>
                <TakeAway id="visitor-secret" label="Your visitor secret" value />
            </div>
        }
    })
}

/// What stands in the form: what is set, or what was typed before it came back.
struct Filled {
    tokens: String,
    key: String,
    url: String,
    is_es256: bool,
    endpoint: String,
    presence: bool,
}

impl Filled {
    fn new(settings: &VisitorSettings, refill: Refilled) -> Self {
        let (tokens, key, url, algorithm) = match &settings.tokens {
            TokenTrust::Nobody => ("nobody", "", "", ""),
            TokenTrust::Secret => ("secret", "", "", ""),
            TokenTrust::Rsa { key } => ("rsa", key.as_str(), "", ""),
            TokenTrust::Ec { key } => ("ec", key.as_str(), "", ""),
            TokenTrust::KeySet { url, algorithm } => (
                "key_set",
                "",
                url.as_str(),
                match algorithm {
                    KeySetAlgorithm::Rs256 => "rs256",
                    KeySetAlgorithm::Es256 => "es256",
                },
            ),
        };
        let given = |name: &str, set: &str| refill.given(name).unwrap_or_else(|| set.to_owned());
        let endpoint = settings
            .endpoint
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        Self {
            tokens: given("tokens", tokens),
            key: given("key", key),
            url: given("url", url),
            is_es256: given("algorithm", algorithm) == "es256",
            endpoint: given("endpoint", &endpoint),
            presence: match refill.given("presence") {
                Some(ticked) => !ticked.is_empty(),
                None => settings.presence == RoomPresence::Shown,
            },
        }
    }
}

#[component]
fn SettingsForm(domain: Domain, settings: VisitorSettings) -> impl IntoView {
    let action = ServerAction::<SaveVisitors>::new();
    let refill = Refilled::of(action.value().get_untracked());
    let Filled {
        tokens,
        key,
        url,
        is_es256,
        endpoint,
        presence,
    } = Filled::new(&settings, refill);
    let choice = move |value: &'static str, label: &'static str, note: &'static str| {
        let is = tokens == value;
        view! {
            <label class="check">
                <input type="radio" name="tokens" value=value checked=is />
                <span>{label} " " <span class="check__note">{note}</span></span>
            </label>
        }
    };
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"Visitors & rooms"</h2>
            <DoneNotice />
            <FormError text=refill.whole() />
            <p class="form__text">"In rooms, visitors who are signed in on your site tell each other things. Who they are only your own server can say: it signs a token, or is asked about a cookie."</p>
            <input type="hidden" name="domain" value=domain.to_string() />
            <fieldset class="field field--set">
                <legend class="field__label">"Believe tokens that are signed with"</legend>
                {choice("nobody", "Nothing", "There are no visitor tokens.")}
                {choice("secret", "A secret (HS256)", "Made here, shown once, known to your server. The simplest.")}
                {choice("rsa", "An RSA key (RS256)", "The public half is pasted below; the private one never leaves your server.")}
                {choice("ec", "A P-256 key (ES256)", "Likewise, with shorter tokens.")}
                {choice("key_set", "Published keys (JWKS)", "Fetched from the address below: for sign-in services and for keys that change.")}
            </fieldset>
            <Field id="key" label="Public key" error=refill.field("key") hint=|| "In PEM, for RSA or P-256: begins with -----BEGIN PUBLIC KEY-----.">
                <textarea class="input input--list" id="key" name="key" rows="3" spellcheck="false" autocapitalize="none" aria-describedby=described_by("key")>{area(key)}</textarea>
            </Field>
            <Field id="url" label="Address of published keys" error=refill.field("url") hint=|| "Such as https://login.example.com/.well-known/jwks.json. Over https only.">
                <input class="input" id="url" name="url" value=url inputmode="url" autocomplete="off" spellcheck="false" aria-describedby=described_by("url") />
            </Field>
            <Field id="algorithm" label="Algorithm of published keys" hint=|| "Fixed here: what a token says about itself counts for nothing.">
                <select class="input" id="algorithm" name="algorithm" aria-describedby=described_by("algorithm")>
                    <option value="rs256" selected=!is_es256>"RS256"</option>
                    <option value="es256" selected=is_es256>"ES256"</option>
                </select>
            </Field>
            <Field id="endpoint" label="Connect endpoint" error=refill.field("endpoint") hint=|| "Where your server says whose cookie it is, for sites that sign nothing. Gets the visitor’s cookies for your site; leave it empty if you use tokens.">
                <input class="input" id="endpoint" name="endpoint" value=endpoint inputmode="url" autocomplete="off" spellcheck="false" aria-describedby=described_by("endpoint") />
            </Field>
            <div class="field">
                <label class="check">
                    <input type="checkbox" name="presence" value="on" checked=presence />
                    <span>"Rooms show who is there" " " <span class="check__note">"And who comes and goes, to those whose token has the right “presence”."</span></span>
                </label>
            </div>
            <p class="form__actions"><button class="button button--main" type="submit">"Save"</button></p>
        </ActionForm>
    }
    .into_any()
}

fn minute(at: Timestamp) -> String {
    let iso = format::iso(at);
    format!(
        "{} {} UTC",
        iso.get(..10).unwrap_or_default(),
        format::clock_short(at, 0)
    )
}

#[component]
fn SecretForm(domain: Domain, has_secret: bool, old_until: Option<Timestamp>) -> impl IntoView {
    let action = ServerAction::<RenewVisitorSecret>::new();
    let refill = Refilled::of(action.value().get_untracked());
    let label = if has_secret {
        "Make a new secret"
    } else {
        "Make a secret"
    };
    let of = domain.to_string();
    let old = old_until.map(|until| {
        let fields = vec![("domain", of)];
        view! {
            <div class="rows__row" data-testid="old-secret">
                <p class="field__hint">{format!("The secret before this one is good until {} as well.", minute(until))}</p>
                <PostButton to="/fn/end-old-visitor-secret" fields label="End it now" about="End the old secret now".to_owned() />
            </div>
        }
    });
    let keep = has_secret.then(|| view! {
        <label class="check">
            <input type="checkbox" name="keep_old" value="on" checked />
            <span>"The present one goes on for a day" " " <span class="check__note">"So that nobody is sent away while your server changes over. Untick it if the secret has leaked."</span></span>
        </label>
    });
    view! {
        <div class="panel form--panel">
            <ActionForm action attr:class="form">
                <h2 class="form__title">"Visitor secret"</h2>
                <FormError text=refill.whole() />
                <p class="form__text">{if has_secret { "There is a secret. It is not shown again." } else { "There is none yet." }}</p>
                <input type="hidden" name="domain" value=domain.to_string() />
                {keep}
                <p class="form__actions"><button class="button" type="submit">{label}</button></p>
            </ActionForm>
            {old}
        </div>
    }
    .into_any()
}

#[component]
fn RevokeForm(domain: Domain, revoked: Vec<RevokedView>) -> impl IntoView {
    let action = ServerAction::<RevokeVisitor>::new();
    let refill = Refilled::of(action.value().get_untracked());
    let name = refill.typed("name");
    let by_token = refill.typed("kind") == "token";
    let row = |one: RevokedView| {
        let kind = match one.kind {
            RevokedKind::Token => "token",
            RevokedKind::User => "user",
        };
        view! {
            <li class="rows__row" data-testid="revoked">
                <div class="rows__what">
                    <strong>{one.name}</strong> " " <span class="tag">{kind}</span>
                    <p class="field__hint">{format!("Turned away on {}.", minute(one.at))}</p>
                </div>
            </li>
        }
    };
    view! {
        <ActionForm action attr:class="panel form form--panel">
            <h2 class="form__title">"Turn somebody away"</h2>
            <FormError text=refill.whole() />
            <p class="form__text">"Ends what they hold open at once. Of a user, everything that was issued until now is worthless; what your server issues afterwards is good again."</p>
            <input type="hidden" name="domain" value=domain.to_string() />
            <fieldset class="field field--set">
                <legend class="field__label">"By"</legend>
                <label class="check"><input type="radio" name="kind" value="user" checked=!by_token /><span>"User" " " <span class="check__note">"The sub of their tokens."</span></span></label>
                <label class="check"><input type="radio" name="kind" value="token" checked=by_token /><span>"Token" " " <span class="check__note">"Its jti."</span></span></label>
            </fieldset>
            <Field id="name" label="Name" error=refill.field("name")>
                <input class="input" id="name" name="name" value=name required maxlength="200" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="name-error" />
            </Field>
            <p class="form__actions"><button class="button button--danger" type="submit">"Turn away"</button></p>
            <ul class="rows">{revoked.into_iter().map(row).collect_view()}</ul>
        </ActionForm>
    }
    .into_any()
}

/// What the site's own server does.
#[component]
fn HowTo(domain: Domain) -> impl IntoView {
    let claims = format!(
        r#"{{"sub": "ann", "aud": "{domain}", "exp": 1767225600, "rooms": {{"lobby": ["read", "publish", "presence", "history"]}}}}"#
    );
    let asked = format!(r#"{{"site": "{domain}", "origin": "https://{domain}"}}"#);
    let answer = r#"{"user": "ann", "info": {"name": "Ann"}, "rooms": ["lobby"], "expires_in": 300}"#;
    view! {
        <section class="panel form--panel" aria-labelledby="visitors-how">
            <h2 class="form__title" id="visitors-how">"Use"</h2>
            <p class="form__text">"A token is a JWT with these claims; " <code>"iat"</code> ", " <code>"jti"</code> " and " <code>"info"</code> " are of use too:"</p>
            <p class="form__text"><code>{claims}</code></p>
            <p class="form__text">"A connect endpoint gets a POST with the visitor’s cookies and"</p>
            <p class="form__text"><code>{asked}</code></p>
            <p class="form__text">"and answers 200 with this, or 401 where nobody is signed in:"</p>
            <p class="form__text"><code>{answer}</code></p>
            <p class="form__text">"To try it: " <code>{format!("pulsecast visitor-token --site {domain} --user ann --room lobby")}</code></p>
        </section>
    }
    .into_any()
}
