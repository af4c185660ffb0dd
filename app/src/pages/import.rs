//! What goes out of a site and comes into it: exports, imports and how far they are, the deletion of parts of its history. All of it plain
//! forms, which go to the server's own routes.

use super::site_page::site_page;
use crate::{
    components::settings_nav::{Section, SettingsFrame},
    fns::{data::load_data, goals::Section as Loaded},
    format,
};
use leptos::prelude::*;
use leptos_meta::Meta;
use leptos_router::hooks::use_query_map;
use pulsecast_protocol::{
    Domain,
    data::{DataPage, ImportJob, ImportState, ImportView},
};

/// `/sites/{domain}/import`
#[component]
pub fn ImportPage() -> impl IntoView {
    site_page(load_data, |page, sites| {
        let Loaded { domain, role, body } = page;
        let running = body
            .job
            .as_ref()
            .is_some_and(|job| job.state == ImportState::Running);
        let DataPage {
            job,
            imports,
            retention_days,
            limit,
            ..
        } = body;
        let done = use_query_map().with_untracked(|query| query.get("done"));
        view! {
            // The page is complete without a program; while an import runs it is simply asked for again.
            {running.then(|| view! { <Meta http_equiv="refresh" content="2" /> })}
            <SettingsFrame domain=domain.clone() role sites section=Section::Import>
                <Done done />
                {job.map(|job| view! { <Progress domain=domain.clone() job /> })}
                <UploadForm domain=domain.clone() limit running />
                <Imports domain=domain.clone() imports />
                <Exports domain=domain.clone() />
                <DeleteForm domain=domain.clone() retention_days />
            </SettingsFrame>
        }
        .into_any()
    })
}

/// What a form of this page has done.
#[component]
fn Done(done: Option<String>) -> impl IntoView {
    let text = match done.as_deref() {
        Some("undone") => "The import is undone: nothing of it is left.",
        Some("cancelled") => "The import ends; what it had brought is deleted.",
        Some("deleted") => "Deleted. Visits that are still going on were kept.",
        _ => return ().into_any(),
    };
    view! { <p class="notice notice--good" role="status">{text}</p> }.into_any()
}

/// The import that runs, or what came of the last one.
#[component]
fn Progress(domain: Domain, job: ImportJob) -> impl IntoView {
    let title = match (job.state, job.dry_run) {
        (ImportState::Running, true) => "Dry run: reading",
        (ImportState::Running, false) => "Importing",
        (ImportState::Done, false) if job.events == 0 => "Nothing was imported",
        (ImportState::Done, true) => "Dry run: this would be imported",
        (ImportState::Done, false) => "Imported",
        (ImportState::Failed, _) => "Nothing was imported",
    };
    let days = match (&job.first_day, &job.last_day) {
        (Some(first), Some(last)) => format!("{} days, from {first} to {last}", format::number(job.days)),
        _ => "no day".to_owned(),
    };
    let cancel = (job.state == ImportState::Running).then(|| {
        view! {
            <progress class="import__progress" max="100" value=job.percent.to_string() aria-label="Read so far">{format!("{} %", job.percent)}</progress>
            <form method="post" action=format!("/sites/{domain}/import/cancel")>
                <button class="button" type="submit">"Cancel"</button>
            </form>
        }
    });
    let figures = (job.state != ImportState::Failed).then(|| {
        view! {
            <dl class="import__figures">
                <div><dt>"Rows read"</dt><dd data-testid="import-rows">{format::number(job.rows)}</dd></div>
                <div><dt>"Events"</dt><dd data-testid="import-events">{format::number(job.events)}</dd></div>
                <div><dt>"Visits"</dt><dd>{format::number(job.visits)}</dd></div>
                <div><dt>"Covers"</dt><dd>{days}</dd></div>
            </dl>
        }
    });
    let reasons = job.skipped.into_iter();
    let skipped = reasons
        .map(|(reason, count)| view! { <li>{format!("{}: {reason}", format::number(count))}</li> })
        .collect_view();
    let examples = job
        .examples
        .into_iter()
        .map(|text| view! { <li><code>{text}</code></li> })
        .collect_view();
    view! {
        <section class="panel form--panel" aria-labelledby="job-title" data-testid="import-job">
            <h2 class="form__title" id="job-title">{title} " " {job.name}</h2>
            {job.error.map(|error| view! { <p class="field__error" role="alert">{error}</p> })}
            {cancel}
            {figures}
            <p class="form__text">"Left out:"</p>
            <ul class="import__reasons">{skipped}</ul>
            <ul class="import__reasons">{examples}</ul>
        </section>
    }
    .into_any()
}

/// New files.
#[component]
fn UploadForm(domain: Domain, limit: u64, running: bool) -> impl IntoView {
    view! {
        <form class="panel form form--panel" method="post" action=format!("/sites/{domain}/import") enctype="multipart/form-data">
            <h2 class="form__title">"Import"</h2>
            <p class="form__text">
                "The ZIP that Plausible’s settings export, access logs in the combined format (plain or gzip; all parts of a rotated log at once), or raw events of an export from here. "
                "Days of which there are figures already are left out, so that nothing is counted twice."
            </p>
            <div class="field">
                <label class="field__label" for="file">"Files"</label>
                <input class="input" id="file" name="file" type="file" multiple required />
                <p class="field__hint">{format!("At most {} MiB together. Larger ones: pulsecast import --site {domain} FILE…", limit >> 20)}</p>
            </div>
            <label class="check"><input type="checkbox" name="dry_run" value="1" checked /> <span>"Dry run: only say what would come"</span></label>
            <p class="form__actions"><button class="button button--main" type="submit" disabled=running>"Read files"</button></p>
        </form>
    }
    .into_any()
}

/// Imports that are in.
#[component]
fn Imports(domain: Domain, imports: Vec<ImportView>) -> impl IntoView {
    if imports.is_empty() {
        return ().into_any();
    }
    let row = |import: ImportView| {
        let kind = match import.kind.as_str() {
            "plausible" => "Plausible’s figures",
            "access_log" => "Access log",
            _ => "Raw events",
        };
        let days = import
            .first_day
            .zip(import.last_day)
            .map(|(first, last)| format!(", {first} to {last}"))
            .unwrap_or_default();
        let iso = format::iso(import.at);
        let day = iso.get(..10).unwrap_or_default().to_owned();
        let label = format!("Undo the import of {}", import.name);
        view! {
            <li class="rows__row">
                <div class="rows__what">
                    <strong>{import.name}</strong>
                    <p class="field__hint">
                        {format!("{kind}{days}: {} events in {} visits. Imported on ", format::number(import.events), format::number(import.visits))}
                        <time datetime=iso>{day}</time> "."
                    </p>
                </div>
                <form method="post" action=format!("/sites/{domain}/import/undo")>
                    <input type="hidden" name="id" value=import.id.to_string() />
                    <button class="button button--danger" type="submit" aria-label=label>"Undo"</button>
                </form>
            </li>
        }
    };
    view! {
        <section class="panel form--panel" aria-labelledby="imports-title">
            <h2 class="form__title" id="imports-title">"Imported"</h2>
            <ul class="rows" data-testid="imports">{imports.into_iter().map(row).collect_view()}</ul>
        </section>
    }
    .into_any()
}

/// The ways out: one range of days, three kinds of file.
#[component]
fn Exports(domain: Domain) -> impl IntoView {
    let button = |kind: &'static str, text: &'static str| {
        view! { <button class="button" type="submit" formaction=format!("/sites/{domain}/export.{kind}")>{text}</button> }
    };
    view! {
        <form class="panel form form--panel" method="get" action=format!("/sites/{domain}/export.zip")>
            <h2 class="form__title">"Export"</h2>
            <p class="form__text">
                "All reports of the dashboard as CSV files in one ZIP; or the raw events as they are stored, without addresses, visitors by their hash of the day: "
                "NDJSON has one JSON object a line, Parquet is a table for DuckDB, pandas and the like. Without days: all there is."
            </p>
            <Days />
            <p class="form__actions">
                {button("zip", "Download ZIP")} {button("ndjson", "Download NDJSON")} {button("parquet", "Download Parquet")}
            </p>
        </form>
    }
    .into_any()
}

/// From a day to another.
#[component]
fn Days() -> impl IntoView {
    let day = |name: &'static str, text: &'static str| {
        view! { <label class="field"><span class="field__label">{text}</span> <input class="input" type="date" name=name /></label> }
    };
    view! { <div class="form__pair">{day("from", "From")} {day("to", "To")}</div> }.into_any()
}

/// The end of a part of the history.
#[component]
fn DeleteForm(domain: Domain, retention_days: Option<u32>) -> impl IntoView {
    let kept = match retention_days {
        Some(days) => format!("Events are deleted by themselves after {days} days."),
        None => "Events are kept until somebody deletes them.".to_owned(),
    };
    view! {
        <form class="panel form form--panel form--danger" method="post" action=format!("/sites/{domain}/data/delete")>
            <h2 class="form__title">"Delete data"</h2>
            <p class="form__text">
                {kept} " " <a href=format!("/sites/{domain}/settings/exclusions")>"Change that"</a> ". "
                "Here visits of some days are deleted at once, with all their events and imported figures of these days; without days all of them. They are gone for good. "
                "The file on disk does not get smaller, but the room is used again."
            </p>
            <Days />
            <div class="field">
                <label class="field__label" for="confirm">"Type the domain to confirm"</label>
                <input class="input" id="confirm" name="confirm" required autocomplete="off" autocapitalize="none" spellcheck="false" />
            </div>
            <p class="form__actions"><button class="button button--danger" type="submit">"Delete data"</button></p>
        </form>
    }
    .into_any()
}
