//! The form in which two states of the model are compared.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use super::{
    gate::{Call, Reply, Store},
    member::{Member, Outcome},
    records::marks,
    rig::Rig,
};
use crate::{
    StoreError,
    store::{
        Record, Replaced,
        queue::{Fate, Seat, State, TURN},
    },
};

/// Everything that decides the next steps. Nonces are numbered in the order in which they are met, because only their
/// equality matters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct View {
    pub(super) current: Option<RecordView>,
    pub(super) calls: Vec<Option<(usize, RecordView)>>,
    /// The replies that their callers have not taken yet.
    replies: Vec<(Option<(usize, RecordView)>, ReplyView)>,
    pub(super) packets: Vec<(usize, RecordView)>,
    pub(super) lines: Vec<LineView>,
    pub(super) members: Vec<MemberView>,
    /// The marks of all records that were ever stored.
    pub(super) ever: Vec<u8>,
    pub(super) has_strayed: bool,
    pub(super) count: usize,
}

impl View {
    pub(super) fn of(rig: &Rig) -> Self {
        let (mut names, store) = (Names::default(), rig.gate.store());
        let current = store.record.as_ref().map(|record| names.of(record));
        let (unanswered, answered): (Vec<_>, Vec<_>) = store.calls.iter().partition(|call| call.reply.is_none());
        let calls = unanswered.into_iter().map(|call| names.put(call)).collect();
        let reply = |call: &Call| Some((names.put(call), ReplyView::of(call.reply.as_ref()?, &mut names)));
        let replies = answered.into_iter().filter_map(reply).collect();
        let packets = store.packets.iter().map(|(base, record)| (names.name(*base), names.of(record))).collect();
        let lines: Vec<_> = rig.queue.lines().values().cloned().collect();
        let lines = lines.iter().map(|line| LineView::of(&line.state(), rig, &mut names)).collect();
        let members = rig.members.iter().map(|member| MemberView::of(member, &store)).collect();
        let ever: BTreeSet<u8> = store.stored.iter().flat_map(|(_, marks)| marks.iter().copied()).collect();
        Self {
            current,
            calls,
            replies,
            packets,
            lines,
            members,
            ever: ever.into_iter().collect(),
            has_strayed: rig.has_strayed,
            count: rig.queue.count.load(Ordering::Relaxed),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RecordView {
    nonce: usize,
    trail: Vec<usize>,
    pub(super) marks: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LineView {
    waiting: Vec<Option<usize>>,
    batch: Option<(RecordView, RecordView, Vec<Option<usize>>, bool)>,
    fates: Vec<(Option<usize>, FateView)>,
    idle: Vec<Option<usize>>,
    members: usize,
}

impl LineView {
    fn of(state: &State, rig: &Rig, names: &mut Names) -> Self {
        let member_at = |seat: &Arc<Seat>| rig.member_at(seat);
        Self {
            waiting: state.waiting.iter().map(member_at).collect(),
            batch: state.batch.as_ref().map(|(batch, since)| {
                let riders = batch.riders.iter().map(member_at).collect();
                (names.of(&batch.base), names.of(&batch.record), riders, since.elapsed() >= TURN)
            }),
            fates: state.fates.iter().map(|(seat, fate)| (member_at(seat), FateView::of(fate, rig, names))).collect(),
            idle: state.idle.iter().map(member_at).collect(),
            members: state.members,
        }
    }

    /// Returns true if a member has not taken its turn yet, and the time of the turn has not passed.
    pub(super) fn is_idle(&self) -> bool {
        self.batch.as_ref().is_some_and(|(.., is_idle)| !is_idle) && self.waiting.len() > 1
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum ReplyView {
    Record(RecordView),
    Done,
    Gone,
    Failed { is_unknown: bool },
}

impl ReplyView {
    fn of(reply: &Result<Reply, StoreError>, names: &mut Names) -> Self {
        match reply {
            Ok(Reply::Found(Some(record)) | Reply::Replaced(Replaced::Changed(record))) => {
                Self::Record(names.of(record))
            }
            Ok(Reply::Replaced(Replaced::Done)) => Self::Done,
            Ok(Reply::Found(None) | Reply::Replaced(Replaced::Gone)) => Self::Gone,
            Err(error) => Self::Failed { is_unknown: error.is_unknown() },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum FateView {
    Done,
    Gone,
    Failed { is_unknown: bool },
    Lost { riders: Vec<Option<usize>>, base: usize, record: RecordView, is_sent: bool },
}

impl FateView {
    fn of(fate: &Fate, rig: &Rig, names: &mut Names) -> Self {
        match fate {
            Fate::Done(_) => Self::Done,
            Fate::Gone => Self::Gone,
            Fate::Failed(error) => Self::Failed { is_unknown: error.is_unknown() },
            Fate::Lost(riders, call) => Self::Lost {
                riders: riders.iter().map(|rider| rig.member_at(rider)).collect(),
                base: names.name(call.base.nonce()),
                record: names.of(&call.record),
                is_sent: call.is_sent,
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MemberView {
    pub(super) is_started: bool,
    /// True if it has ended, or was dropped.
    pub(super) is_over: bool,
    pub(super) is_woken: bool,
    pub(super) outcome: Option<Outcome>,
}

impl MemberView {
    fn of(member: &Member, store: &Store) -> Self {
        let is_stored = |nonce: u64| store.stored.iter().any(|(other, _)| *other == nonce);
        Self {
            is_started: member.is_started,
            is_over: member.is_over(),
            is_woken: member.is_woken(),
            outcome: member.outcome.map(|outcome| match outcome {
                Outcome::Declined(nonce) => Outcome::Declined(u64::from(is_stored(nonce))),
                outcome => outcome,
            }),
        }
    }
}

#[derive(Default)]
struct Names(Vec<u64>);

impl Names {
    fn name(&mut self, nonce: u64) -> usize {
        self.0.iter().position(|other| *other == nonce).unwrap_or_else(|| {
            self.0.push(nonce);
            self.0.len() - 1
        })
    }

    fn of(&mut self, record: &Record) -> RecordView {
        let trail = record.body().rest.trail.into_iter().flatten().filter(|nonce| *nonce != 0);
        let trail = trail.map(|nonce| self.name(nonce)).collect();
        RecordView { nonce: self.name(record.nonce()), trail, marks: marks(record) }
    }
    /// Returns the nonce that a call replaces, and the new record.
    fn put(&mut self, call: &Call) -> Option<(usize, RecordView)> {
        call.put.as_ref().map(|(base, record)| (self.name(*base), self.of(record)))
    }
}
