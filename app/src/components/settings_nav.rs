//! What stands around the sections of a site's settings: the site's head, and the way to the other sections.

use super::site_head::{SiteHead, Tab};
use leptos::prelude::*;
use leptos_meta::Title;
use pulsecast_protocol::{Domain, account::Role};

/// A section of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Time zone, hostnames, the snippet.
    General,
    /// What visitors may reach.
    Goals,
    /// Goals in their order.
    Funnels,
    /// Saved filters.
    Segments,
    /// Members and invitations.
    People,
    /// Addresses for others.
    Links,
    /// For programs.
    Keys,
    /// Who is signed in on the site, and what its rooms show.
    Visitors,
    /// What is not counted, and for how long it is kept.
    Exclusions,
    /// Out and in.
    Import,
    /// Who changed what.
    Audit,
    /// The end.
    Danger,
}

impl Section {
    const ALL: [Self; 12] = [
        Self::General,
        Self::Goals,
        Self::Funnels,
        Self::Segments,
        Self::People,
        Self::Links,
        Self::Keys,
        Self::Visitors,
        Self::Exclusions,
        Self::Import,
        Self::Audit,
        Self::Danger,
    ];

    /// What it is called.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::Goals => "Goals",
            Self::Funnels => "Funnels",
            Self::Segments => "Segments",
            Self::People => "People",
            Self::Links => "Shared links",
            Self::Keys => "API keys",
            Self::Visitors => "Visitors & rooms",
            Self::Exclusions => "Exclusions & retention",
            Self::Import => "Import & export",
            Self::Audit => "Audit trail",
            Self::Danger => "Danger zone",
        }
    }

    /// Where it is, below the site's own address.
    const fn path(self) -> &'static str {
        match self {
            Self::General => "settings",
            Self::Goals => "settings/goals",
            Self::Funnels => "settings/funnels",
            Self::Segments => "settings/segments",
            Self::People => "settings/people",
            Self::Links => "settings/links",
            Self::Keys => "keys",
            Self::Visitors => "settings/visitors",
            Self::Exclusions => "settings/exclusions",
            Self::Import => "import",
            Self::Audit => "settings/audit",
            Self::Danger => "settings/danger",
        }
    }

    /// The least role that has any use for it.
    const fn least(self) -> Role {
        match self {
            Self::General | Self::Goals | Self::Funnels | Self::Segments | Self::Danger => Role::Viewer,
            Self::People
            | Self::Links
            | Self::Keys
            | Self::Visitors
            | Self::Exclusions
            | Self::Import
            | Self::Audit => Role::Admin,
        }
    }
}

/// A section of the settings of a site, with the way to the others.
#[component]
pub fn SettingsFrame(
    /// The site.
    domain: Domain,
    /// What the viewer may do with it.
    role: Role,
    /// All of the viewer's sites.
    sites: Vec<Domain>,
    /// Which section this is.
    section: Section,
    /// The section.
    children: Children,
) -> impl IntoView {
    let entry = {
        let domain = domain.clone();
        move |each: Section| {
            let current = (each == section).then_some("page");
            view! { <li><a class="sections__link" href=format!("/sites/{domain}/{}", each.path()) aria-current=current>{each.label()}</a></li> }
        }
    };
    let sections = Section::ALL.into_iter().filter(|each| role >= each.least());
    view! {
        <Title text=format!("{} · {domain}", section.label()) />
        <SiteHead domain sites current=Tab::Settings right=() />
        <div class="settings-page">
            <nav class="sections" aria-label="Settings">
                <ul class="sections__list">{sections.map(entry).collect_view()}</ul>
            </nav>
            <div class="settings-page__body">{children()}</div>
        </div>
    }
    .into_any()
}
