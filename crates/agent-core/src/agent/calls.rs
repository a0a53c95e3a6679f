//! The tool calls of one reply: those of the network together, all others in order; and the guards on them.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::fields::{Reader, Writer};
use crate::effect::{Effect, Event, Misuse, OperationAnswer, OperationId, Verdict};
use crate::json::{decimal, parse_within};
use crate::settings::limits::{RESULT, RESULTS};
use crate::settings::{Limits, Settings};
use crate::template::fill;
use crate::tools::{
    CallStep, ErrorKind, MAX_RESULT_BYTES, Offer, Task, ToolCallRun, ToolError, ToolResult,
    cut_middle,
};
use crate::wire::{CallResult, ToolCall};

/// The same call so many times in a row is not run again.
const MAX_REPEATS: u32 = 3;

/// Ids that are kept where the history has a limit: a call with its result takes 160 bytes of it at least.
const MAX_IDS: usize = 1_100;

/// Letters of the hash of an id, where a session is saved: the six bits of each are added to `0`.
const ID_LETTERS: usize = 5;

/// The calls of one reply.
#[derive(Default)]
pub(super) struct Calls {
    seats: Vec<Seat>,
    last_operation: u32,
    /// The hash of every id of the conversation. Two ids that share one cost the second its own, and nothing else.
    used: Vec<u32>,
    /// Ids given here to calls that came without.
    named: u32,
    /// The name and arguments of the last call, and how often it has come in a row.
    last: (String, String),
    repeats: u32,
    /// Bytes that the model gets of a result.
    most: usize,
}

/// A call, and how far it is.
struct Seat {
    call: ToolCall,
    run: ToolCallRun,
    stage: Stage,
}

enum Stage {
    /// It has not begun.
    Waiting,
    /// The person is asked.
    Asking,
    /// It goes on with this answer.
    Ready(Option<OperationAnswer>),
    /// It waits for an operation.
    Open(OperationId),
    /// The driver runs it.
    Hosted,
    /// It is over.
    Done {
        ok: bool,
        /// As the model gets it.
        result: Vec<u8>,
    },
}

impl Calls {
    /// A new run: calls of the last one don't count as repeated.
    pub(super) fn forget_repeats(&mut self) {
        self.repeats = 0;
    }

    /// Gives ids to calls that have none, or one that an earlier call of the conversation has.
    pub(super) fn name<'c>(&mut self, calls: impl Iterator<Item = &'c mut ToolCall>) {
        for call in calls {
            while call.id.is_empty() || self.used.contains(&hash(&call.id)) {
                self.named += 1;
                call.id = fill("dewclaw_%", &[&decimal(self.named.into())]);
            }
            self.used.push(hash(&call.id));
        }
    }

    /// Forgets the oldest ids of many: a history that has a limit holds fewer calls than are kept here.
    pub(super) fn forget_ids(&mut self) {
        if self.used.len() > 2 * MAX_IDS {
            let length = self.used.len();
            self.used.copy_within(MAX_IDS..length, 0);
            self.used.truncate(length - MAX_IDS);
        }
    }

    /// Keeps an id of an earlier conversation from being given again.
    pub(super) fn note_used(&mut self, id: &str) {
        self.used.push(hash(id));
    }

    /// Takes the calls of a reply. None has begun.
    pub(super) fn begin(&mut self, calls: Vec<ToolCall>, offer: &Offer, settings: &Settings) {
        let limits = settings.limits;
        if limits.are_tight() {
            self.forget_ids();
        }
        let each = limits.of(RESULTS, usize::MAX) / calls.len().max(1);
        self.most = limits.of(RESULT, MAX_RESULT_BYTES).min(each);
        self.seats = Vec::with_capacity(calls.len());
        for call in calls {
            let run = self
                .start(&call, offer, settings)
                .unwrap_or_else(ToolCallRun::failed);
            self.seats.push(Seat {
                call,
                run,
                stage: Stage::Waiting,
            });
        }
    }

    /// Takes a call of no tool, which has begun and is not shown. It has no id, as no other call.
    pub(super) fn prepare(&mut self, words: &str, task: Box<dyn Task>) {
        self.most = usize::MAX;
        self.seats.push(Seat {
            call: ToolCall {
                id: String::new(),
                name: String::new(),
                arguments: words.to_string(),
            },
            run: ToolCallRun::of_task(task),
            stage: Stage::Ready(None),
        });
    }

    /// Refuses the calls from this place on that have not begun: a budget is used up.
    pub(super) fn refuse(&mut self, from: usize) {
        for seat in self.seats.iter_mut().skip(from) {
            if matches!(seat.stage, Stage::Waiting) {
                seat.refuse("the budget is used up, so this call was not run");
            }
        }
    }

    /// Takes the answer to an operation.
    pub(super) fn answer(
        &mut self,
        id: OperationId,
        answer: OperationAnswer,
    ) -> Result<(), Misuse> {
        let open = |seat: &&mut Seat| matches!(seat.stage, Stage::Open(open) if open == id);
        let seat = self
            .seats
            .iter_mut()
            .find(open)
            .ok_or(Misuse::UnknownOperation)?;
        if seat.run.is_beside() != matches!(answer, OperationAnswer::Http(_)) {
            return Err(Misuse::WrongAnswer);
        }
        seat.stage = Stage::Ready(Some(answer));
        Ok(())
    }

    /// Takes the person's verdict on a call.
    pub(super) fn decide(&mut self, call: &str, verdict: Verdict) -> Result<(), Misuse> {
        let asking = |seat: &&mut Seat| seat.call.id == call && matches!(seat.stage, Stage::Asking);
        let seat = self
            .seats
            .iter_mut()
            .find(asking)
            .ok_or(Misuse::UnknownCall)?;
        let why = match verdict {
            Verdict::Approved => "",
            Verdict::Refused => "the person refused this call: don't repeat it, do without or ask",
            Verdict::Unanswered => {
                "this call needs a person's approval, and there is nobody to ask: do without, and say so"
            }
        };
        if !why.is_empty() {
            seat.refuse(why);
        }
        seat.stage = Stage::Ready(None);
        Ok(())
    }

    /// Takes the result of a call that the driver ran.
    pub(super) fn finish(
        &mut self,
        call: &str,
        result: Result<String, String>,
        limits: Limits,
    ) -> Result<(), Misuse> {
        let hosted = |seat: &&mut Seat| seat.call.id == call && matches!(seat.stage, Stage::Hosted);
        let seat = self
            .seats
            .iter_mut()
            .find(hosted)
            .ok_or(Misuse::UnknownCall)?;
        seat.run = ToolCallRun::over(ToolResult::of_host(result, limits));
        seat.stage = Stage::Ready(None);
        Ok(())
    }

    /// Goes on as far as it can; `true` once every call has its result.
    pub(super) fn step(&mut self, settings: &Settings, effects: &mut Vec<Effect>) -> bool {
        let mut in_order_busy = false;
        let mut all_done = true;
        for seat in &mut self.seats {
            // What is in flight together takes memory together.
            let in_order = !seat.run.is_beside() || settings.limits.are_tight();
            if in_order && in_order_busy {
                all_done = false;
                continue;
            }
            if !seat.step(settings, self.most, &mut self.last_operation, effects) {
                all_done = false;
                in_order_busy |= in_order;
            }
        }
        all_done
    }

    /// The result of a call that is over, as the model gets it.
    pub(super) fn result_of(&self, id: &str) -> Option<CallResult> {
        self.seats.iter().find_map(|seat| match &seat.stage {
            Stage::Done { ok, result } if seat.call.id == id => Some(CallResult {
                call: seat.call.clone(),
                ok: *ok,
                result: result.clone(),
            }),
            _ => None,
        })
    }

    /// Every call with its result.
    pub(super) fn take_results(&mut self) -> Vec<CallResult> {
        let mut results = Vec::new();
        for seat in core::mem::take(&mut self.seats) {
            let cancelled = |why| {
                let error = ToolError::new(ErrorKind::Internal, why, &[]);
                (false, error.to_json())
            };
            let (ok, result) = match (seat.stage, seat.run.result()) {
                (Stage::Done { ok, result }, _) => (ok, result),
                (_, Some(over)) => (over.ok, over.cut_to(self.most)),
                (Stage::Waiting | Stage::Asking, None) => {
                    cancelled("the run was cancelled before this call began")
                }
                _ => cancelled("the run was cancelled; whether this call had an effect is unknown"),
            };
            results.push(CallResult {
                call: seat.call,
                ok,
                result,
            });
        }
        results
    }

    /// The operations that were asked for and not answered.
    pub(super) fn open(&self) -> impl Iterator<Item = OperationId> {
        self.seats.iter().filter_map(|seat| match seat.stage {
            Stage::Open(id) => Some(id),
            _ => None,
        })
    }

    /// Writes the calls and how far each is, and what the guards know. `effects` are those that nobody has taken yet.
    pub(super) fn save(&self, effects: &[Effect], to: &mut Writer) {
        to.number(self.seats.len() as u64);
        for seat in &self.seats {
            to.bytes(seat.call.id.as_bytes());
            to.bytes(seat.call.name.as_bytes());
            to.bytes(seat.call.arguments.as_bytes());
            let over = seat.run.result();
            let over = over.map(|over| (over.ok, over.cut_to(self.most)));
            let (stage, result) = match (&seat.stage, &over) {
                (Stage::Done { ok, result }, _) | (_, Some((ok, result))) => {
                    (if *ok { SAVED_OK } else { SAVED_FAILED }, &result[..])
                }
                _ if seat.has_begun(effects) => (SAVED_BEGUN, &b""[..]),
                _ => (SAVED_WAITING, &b""[..]),
            };
            to.number(stage.into());
            to.bytes(result);
        }
        to.number(self.named.into());
        to.number(self.last_operation.into());
        to.bytes(self.last.0.as_bytes());
        to.bytes(self.last.1.as_bytes());
        to.number(self.repeats.into());
        let mut ids = Vec::with_capacity(self.used.len() * ID_LETTERS);
        for hash in &self.used {
            let letter = |shift: u32| b'0' + (hash >> shift & 63) as u8;
            ids.extend_from_slice(&[letter(24), letter(18), letter(12), letter(6), letter(0)]);
        }
        to.bytes(&ids);
    }

    /// Reads what [`Calls::save`] wrote: what the guards know, and the calls, which [`Calls::go_on`] takes.
    pub(super) fn restore(from: &mut Reader<'_>) -> (Calls, Vec<SavedCall>) {
        let mut calls = Vec::new();
        for _ in 0..from.number() {
            // Where the bytes are damaged, nothing is left to read.
            if from.is_empty() {
                break;
            }
            calls.push(SavedCall::read(from));
        }
        let mut restored = Calls {
            seats: Vec::new(),
            named: from.small(),
            last_operation: from.small(),
            last: (from.text(), from.text()),
            repeats: from.small(),
            most: MAX_RESULT_BYTES,
            used: Vec::new(),
        };
        // Other letters are other hashes.
        for letters in from.bytes().chunks_exact(ID_LETTERS) {
            let bits = |hash, letter: &u8| hash << 6 | u32::from(letter.wrapping_sub(b'0'));
            restored.used.push(letters.iter().fold(0, bits));
        }
        (restored, calls)
    }

    /// Goes on with the calls of a reply that were saved. What had begun is over.
    pub(super) fn go_on(&mut self, saved: Vec<SavedCall>, offer: &Offer, settings: &Settings) {
        // They were counted when they began.
        let (last, repeats) = (core::mem::take(&mut self.last), self.repeats);
        self.repeats = 0;
        let calls = saved.iter().map(|saved| saved.result.call.clone());
        self.begin(calls.collect(), offer, settings);
        for (seat, SavedCall { result, is_waiting }) in self.seats.iter_mut().zip(saved) {
            if !is_waiting {
                seat.stage = Stage::Done {
                    ok: result.ok,
                    result: cut_middle(&result.result, self.most).unwrap_or(result.result),
                };
            }
        }
        (self.last, self.repeats) = (last, repeats);
    }

    fn start(
        &mut self,
        call: &ToolCall,
        offer: &Offer,
        settings: &Settings,
    ) -> Result<ToolCallRun, ToolError> {
        if self.repeats > 0
            && self.last.0 == call.name
            && same_arguments(&self.last.1, &call.arguments, settings.limits.values())
        {
            self.repeats += 1;
        } else {
            self.last = (call.name.clone(), call.arguments.clone());
            self.repeats = 1;
        }
        let Some(run) = offer.begin(&call.name, &call.arguments, settings) else {
            return Err(ToolError::invalid(
                "unknown tool \"%\"; there are: %",
                &[&call.name, &offer.names()],
            ));
        };
        if self.repeats >= MAX_REPEATS {
            return Err(ToolError::invalid(
                "this is the same call % times in a row, so it was not run: its result is above. Do something else, or answer",
                &[&decimal(self.repeats.into())],
            ));
        }
        Ok(run)
    }
}

/// The result of a call that was interrupted.
pub(super) fn interrupted() -> Vec<u8> {
    let interrupted = ToolError::new(
        ErrorKind::Internal,
        "interrupted, effect unknown: look before you do it again",
        &[],
    );
    interrupted.to_json()
}

/// A call as it was saved. One that has no result was interrupted, unless it had not begun.
pub(super) struct SavedCall {
    pub(super) result: CallResult,
    is_waiting: bool,
}

/// How far a saved call is.
const SAVED_WAITING: u32 = 0;
const SAVED_BEGUN: u32 = 1;
const SAVED_OK: u32 = 2;
const SAVED_FAILED: u32 = 3;

impl SavedCall {
    fn read(from: &mut Reader<'_>) -> SavedCall {
        let call = ToolCall {
            id: from.text(),
            name: from.text(),
            arguments: from.text(),
        };
        let stage = from.small();
        let mut result = from.bytes().to_vec();
        if stage <= SAVED_BEGUN {
            result = interrupted();
        }
        SavedCall {
            result: CallResult {
                call,
                ok: stage == SAVED_OK,
                result,
            },
            is_waiting: stage == SAVED_WAITING,
        }
    }
}

impl Seat {
    fn refuse(&mut self, why: &str) {
        let error = ToolError::new(ErrorKind::PermissionDenied, "%", &[why]);
        self.run = ToolCallRun::failed(error);
    }

    /// Whether anything of the call may have happened: it was asked for, and the driver has taken that.
    fn has_begun(&self, effects: &[Effect]) -> bool {
        let asked = |effect: &Effect| match (effect, &self.stage) {
            (Effect::Operate { id, .. }, Stage::Open(open)) => id == open,
            (Effect::RunTool { call, .. }, Stage::Hosted) => *call == self.call.id,
            _ => false,
        };
        match &self.stage {
            Stage::Waiting | Stage::Asking | Stage::Done { .. } => false,
            Stage::Ready(answer) => answer.is_some(),
            Stage::Open(_) | Stage::Hosted => !effects.iter().any(asked),
        }
    }

    /// Goes on as far as it can; `true` once the call is over.
    fn step(
        &mut self,
        settings: &Settings,
        most: usize,
        last_operation: &mut u32,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let call = &self.call;
        if matches!(self.stage, Stage::Waiting) {
            effects.push(Effect::Event(Event::ToolStarted {
                call: call.id.clone(),
                name: call.name.clone(),
                arguments: call.arguments.clone(),
            }));
            self.stage = if self.run.needs_approval(settings.approve) {
                effects.push(Effect::Approve {
                    call: call.id.clone(),
                    name: call.name.clone(),
                    arguments: call.arguments.clone(),
                });
                Stage::Asking
            } else {
                Stage::Ready(None)
            };
        }
        let Stage::Ready(answer) = &mut self.stage else {
            return matches!(self.stage, Stage::Done { .. });
        };
        if self.run.is_hosts() {
            effects.push(Effect::RunTool {
                call: call.id.clone(),
                name: call.name.clone(),
                arguments: call.arguments.clone(),
            });
            self.stage = Stage::Hosted;
            return false;
        }
        match self.run.step(answer.take()) {
            CallStep::Operate(operation) => {
                *last_operation += 1;
                let id = OperationId(*last_operation);
                self.stage = Stage::Open(id);
                effects.push(Effect::Operate { id, operation });
                false
            }
            CallStep::Done(result) => {
                self.stage = Stage::Done {
                    ok: result.ok,
                    result: result.cut_to(most),
                };
                if !call.id.is_empty() {
                    effects.push(Effect::Event(Event::ToolFinished {
                        call: call.id.clone(),
                        name: call.name.clone(),
                        ok: result.ok,
                        result: result.json,
                    }));
                }
                true
            }
        }
    }
}

/// FNV-1a, 32 bits.
fn hash(id: &str) -> u32 {
    id.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    }) >> 2
}

/// Whether two calls' arguments mean the same, however they are spelled.
fn same_arguments(one: &str, other: &str, most: usize) -> bool {
    one == other
        || matches!(
            (parse_within(one.as_bytes(), most), parse_within(other.as_bytes(), most)),
            (Ok(one), Ok(other)) if one.means(&other)
        )
}
