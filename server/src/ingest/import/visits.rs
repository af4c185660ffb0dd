//! Gathers whole visits into pieces: an event goes to the store together with its visit, which ended long ago.

use super::{
    Context, ImportError,
    report::Tally,
    sink::{Piece, Sink},
};
use crate::{
    event::{Event, VisitId},
    sessions::Visit,
    store::ImportId,
};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

/// Events of a piece: few enough that visitors' events do not wait behind it.
const PIECE: usize = 5_000;

/// Hands pieces to the sink.
pub(super) struct Gathered<'a> {
    context: &'a Context<'a>,
    import: ImportId,
    sink: &'a mut dyn Sink,
    piece: Piece,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(context: &'a Context<'a>, import: ImportId, sink: &'a mut dyn Sink) -> Self {
        Self {
            context,
            import,
            sink,
            piece: Piece::default(),
        }
    }

    /// Adds a visit and its events, in the order in which they came.
    pub(super) fn visit(&mut self, mut visit: Visit, events: Vec<Event>) {
        let first = self.piece.events.len() as u64;
        visit.id = VisitId(first);
        self.piece.visits.push(visit);
        for (seq, mut event) in (first..).zip(events) {
            event.seq = seq;
            event.visit = VisitId(first);
            self.piece.events.push(event);
        }
    }

    /// Hands over what has gathered, if it is enough, and tells how far it is. Says whether to go on.
    pub(super) fn pass_on(
        &mut self,
        tally: &mut Tally,
        read: &AtomicU64,
        last: bool,
    ) -> Result<(), ImportError> {
        if self.context.watched.is_cancelled() {
            return Err(ImportError::Cancelled);
        }
        let (mut events, mut visits) = (0, 0);
        if self.piece.events.len() >= PIECE || last && !self.piece.events.is_empty() {
            (events, visits) = (self.piece.events.len() as u64, self.piece.visits.len() as u64);
            self.sink.piece(self.import, std::mem::take(&mut self.piece))?;
        }
        tally.tell(self.context.watched, read.load(Ordering::Relaxed), events, visits);
        Ok(())
    }
}

/// Events that wait for the end of their visit.
pub(super) type Open = HashMap<VisitId, Vec<Event>>;
