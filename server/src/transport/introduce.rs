//! Finding out who a visitor is, where that takes asking somebody: the site's keys for a token, the site's own server for a cookie. A
//! connection waits for the answer before it takes the command that needs it; everybody else goes on.

use super::{connection::Connection, session::no_because};
use crate::{gate::TokenError, hub::Disconnect};
use pulsecast_protocol::{
    Channel, Domain,
    wire::{Command, code},
};

impl Connection {
    /// Takes one line from the client, having asked first where it has to be.
    pub async fn hear(&mut self, line: &str) {
        let Ok(command) = serde_json::from_str::<Command>(line) else {
            return self.outbox().finish(Disconnect::BadRequest);
        };
        self.prepare(&command).await;
        if let Some(site) = self.asks_about(&command)
            && let Err(away) = self.introduce(&site).await
            && command.id > 0
        {
            return self.send(&no_because(command.id, code::INTERNAL, away.to_string()));
        }
        self.act(command);
    }

    /// Waits for the keys that a token has to be checked with.
    async fn prepare(&self, command: &Command) {
        let tokens = [
            command.connect.as_ref().map(|request| &request.token),
            command.refresh.as_ref().map(|request| &request.token),
            command.subscribe.as_ref().map(|request| &request.token),
            command.sub_refresh.as_ref().map(|request| &request.token),
        ];
        for token in tokens.into_iter().flatten().filter(|token| !token.is_empty()) {
            if let Some(keys) = self.services.gate.prepare(token) {
                keys.await;
            }
        }
    }

    /// The site whose visitor has to be known for this command: that of the room it is about. A pong is the moment to look whether what is
    /// known still holds.
    fn asks_about(&self, command: &Command) -> Option<Domain> {
        if command.id == 0 {
            let visitor = self.session.who().visitor.as_ref()?;
            return visitor.until.map(|_| visitor.site.clone());
        }
        let name = [
            command.subscribe.as_ref().map(|request| &request.channel),
            command.publish.as_ref().map(|request| &request.channel),
            command.history.as_ref().map(|request| &request.channel),
            command.presence.as_ref().map(|request| &request.channel),
            command.presence_stats.as_ref().map(|request| &request.channel),
        ]
        .into_iter()
        .flatten()
        .find(|name| name.starts_with("room:"))?;
        match name.parse() {
            Ok(Channel::Room { site, .. }) => Some(site),
            _ => None,
        }
    }

    /// Asks the site who this is, where there is something to ask. Who was somebody and is somebody else now comes back as such.
    async fn introduce(&mut self, site: &Domain) -> Result<(), TokenError> {
        let now = self.services.clock.now();
        let Some(asked) = self.services.gate.introduce(self.session.who(), site, now) else {
            return Ok(());
        };
        match asked.await {
            Ok(who) => {
                let before = self.session.introduced(who);
                if before.visitor.is_some() && before.user != self.session.who().user {
                    self.outbox().cut(Disconnect::Expired);
                }
                self.note_who();
                Ok(())
            }
            // What was said before holds for a while, and then the gate says no.
            Err(_) if self.session.who().visitor.is_some() => Ok(()),
            Err(away) => Err(away),
        }
    }
}
