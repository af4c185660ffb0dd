//! Which cards there are, which tabs each has, and what a tab counts.

use pulsecast_protocol::stats::Dimension;

/// A card of breakdowns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CardId {
    /// Where visitors come from.
    Sources,
    /// What they look at.
    Pages,
    /// Where they are.
    Places,
    /// What they look with.
    Technology,
    /// What they do.
    Behaviour,
}

impl CardId {
    /// In the order of the page.
    pub const ALL: [Self; 5] = [
        Self::Sources,
        Self::Pages,
        Self::Places,
        Self::Technology,
        Self::Behaviour,
    ];

    /// Its key on the page.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::Pages => "pages",
            Self::Places => "places",
            Self::Technology => "technology",
            Self::Behaviour => "behaviour",
        }
    }

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sources => "Sources",
            Self::Pages => "Pages",
            Self::Places => "Places",
            Self::Technology => "Technology",
            Self::Behaviour => "Behaviour",
        }
    }

    /// Its tabs, the first being what it shows unless told otherwise.
    pub fn tabs(self) -> impl Iterator<Item = Tab> {
        Tab::ALL
            .into_iter()
            .map(|(tab, ..)| tab)
            .filter(move |tab| tab.card() == self)
    }
}

/// A tab of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "they are named after what they count")]
pub enum Tab {
    Channels,
    Sources,
    Referrers,
    UtmSources,
    UtmMediums,
    UtmCampaigns,
    UtmContents,
    UtmTerms,
    Pages,
    Entries,
    Exits,
    Hosts,
    Map,
    Countries,
    Regions,
    Cities,
    Browsers,
    BrowserVersions,
    Systems,
    SystemVersions,
    Devices,
    Screens,
    Languages,
    Goals,
    Properties,
    Funnels,
    Retention,
}

impl Tab {
    /// Tab, its name in the address, its label, and how many of what it lists.
    const ALL: [(Self, &'static str, &'static str); 27] = [
        (Self::Sources, "sources", "Sources"),
        (Self::Channels, "channels", "Channels"),
        (Self::Referrers, "referrers", "Referrers"),
        (Self::UtmCampaigns, "utm_campaigns", "Campaigns"),
        (Self::UtmSources, "utm_sources", "UTM sources"),
        (Self::UtmMediums, "utm_mediums", "Mediums"),
        (Self::UtmContents, "utm_contents", "Contents"),
        (Self::UtmTerms, "utm_terms", "Terms"),
        (Self::Pages, "pages", "Pages"),
        (Self::Entries, "entries", "Entries"),
        (Self::Exits, "exits", "Exits"),
        (Self::Hosts, "hosts", "Hostnames"),
        (Self::Countries, "countries", "Countries"),
        (Self::Map, "map", "Map"),
        (Self::Regions, "regions", "Regions"),
        (Self::Cities, "cities", "Cities"),
        (Self::Browsers, "browsers", "Browsers"),
        (Self::BrowserVersions, "browser_versions", "Versions"),
        (Self::Systems, "systems", "OS"),
        (Self::SystemVersions, "system_versions", "Versions"),
        (Self::Devices, "devices", "Devices"),
        (Self::Screens, "screens", "Screens"),
        (Self::Languages, "languages", "Languages"),
        (Self::Goals, "goals", "Goals"),
        (Self::Properties, "properties", "Properties"),
        (Self::Funnels, "funnels", "Funnels"),
        (Self::Retention, "retention", "Retention"),
    ];

    /// Its name in the address.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(tab, ..)| *tab == self)
            .map_or("", |(_, name, _)| name)
    }

    /// What it is called on its card.
    #[must_use]
    pub fn label(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(tab, ..)| *tab == self)
            .map_or("", |(.., label)| label)
    }

    /// The tab of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, n, _)| *n == name)
            .map(|(tab, ..)| *tab)
    }

    /// Whose tab it is.
    #[must_use]
    pub const fn card(self) -> CardId {
        match self {
            Self::Channels
            | Self::Sources
            | Self::Referrers
            | Self::UtmSources
            | Self::UtmMediums
            | Self::UtmCampaigns
            | Self::UtmContents
            | Self::UtmTerms => CardId::Sources,
            Self::Pages | Self::Entries | Self::Exits | Self::Hosts => CardId::Pages,
            Self::Map | Self::Countries | Self::Regions | Self::Cities => CardId::Places,
            Self::Browsers
            | Self::BrowserVersions
            | Self::Systems
            | Self::SystemVersions
            | Self::Devices
            | Self::Screens
            | Self::Languages => CardId::Technology,
            Self::Goals | Self::Properties | Self::Funnels | Self::Retention => CardId::Behaviour,
        }
    }

    /// What it counts by; `prop` is the property that was chosen. Funnels and retention count by nothing.
    #[must_use]
    pub fn dimension(self, prop: Option<&str>) -> Option<Dimension> {
        use Dimension as D;
        Some(match self {
            Self::Channels => D::Channel,
            Self::Sources => D::Source,
            Self::Referrers => D::Referrer,
            Self::UtmSources => D::UtmSource,
            Self::UtmMediums => D::UtmMedium,
            Self::UtmCampaigns => D::UtmCampaign,
            Self::UtmContents => D::UtmContent,
            Self::UtmTerms => D::UtmTerm,
            Self::Pages => D::Page,
            Self::Entries => D::EntryPage,
            Self::Exits => D::ExitPage,
            Self::Hosts => D::Hostname,
            Self::Map | Self::Countries => D::Country,
            Self::Regions => D::Region,
            Self::Cities => D::City,
            Self::Languages => D::Language,
            Self::Browsers => D::Browser,
            Self::BrowserVersions => D::BrowserVersion,
            Self::Systems => D::Os,
            Self::SystemVersions => D::OsVersion,
            Self::Devices => D::Device,
            Self::Screens => D::Screen,
            Self::Goals => D::Goal,
            Self::Properties => D::Prop(prop?.to_owned()),
            Self::Funnels | Self::Retention => return None,
        })
    }

    /// What is looked at next by whoever chose one row of it.
    #[must_use]
    pub const fn drill(self) -> Option<Self> {
        Some(match self {
            Self::Channels => Self::Sources,
            Self::Sources => Self::Referrers,
            Self::Map | Self::Countries => Self::Regions,
            Self::Regions => Self::Cities,
            Self::Browsers => Self::BrowserVersions,
            Self::Systems => Self::SystemVersions,
            _ => return None,
        })
    }

    /// The tab that led here; shown only to those who came that way where it makes no sense by itself.
    #[must_use]
    pub const fn is_hidden(self) -> bool {
        matches!(self, Self::BrowserVersions | Self::SystemVersions)
    }

    /// Whether all of it is a page of its own, instead of a table.
    #[must_use]
    pub const fn has_page(self) -> bool {
        matches!(self, Self::Funnels | Self::Retention)
    }

    /// Whether it stands in the menu of campaigns rather than beside the others.
    #[must_use]
    pub const fn is_campaign(self) -> bool {
        matches!(
            self,
            Self::UtmSources | Self::UtmMediums | Self::UtmCampaigns | Self::UtmContents | Self::UtmTerms
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tab_reads_back_from_its_name_and_has_a_card() {
        for (tab, name, label) in Tab::ALL {
            assert_eq!(Tab::named(name), Some(tab));
            assert!(!label.is_empty() && tab.card().tabs().any(|t| t == tab));
        }
    }

    #[test]
    fn a_drill_down_stays_on_its_card() {
        for (tab, ..) in Tab::ALL {
            assert!(tab.drill().is_none_or(|next| next.card() == tab.card()));
        }
    }
}
