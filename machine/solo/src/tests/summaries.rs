//! What goes up.

use alloc::{vec, vec::Vec};

use banyan_child::{PIECES_MAX, Summaries, SummaryParams};
use banyan_types::{Height, TimeMs};

use super::world::*;
use crate::{Effect, Input, Mark, Range, Record, SoloParams};

fn with_lines(lines_max: u64) -> SoloParams {
    SoloParams { summaries: SummaryParams { lines_max, ..params().summaries }, ..params() }
}

/// The first block is a sign of life: the parent has never heard of this child. Accepted, so that it is out of the way.
fn world() -> World {
    world_with(params())
}

fn world_with(params: SoloParams) -> World {
    let mut world = World::with(params);
    world.tell(Input::ParentTip(parent(HEARTBEAT, 0)));
    assert_eq!(summarised(&world.log), [range(1, 0, 1)]);
    world.accept();
    world.log.clear();
    world
}

const fn range(seq: u64, from: u64, to: u64) -> Range {
    Range { seq, from: Height(from), to: Height(to) }
}

/// A block with so many withdrawals.
fn withdraw(world: &mut World, withdrawals: u64) -> Vec<Range> {
    (world.work.txs, world.work.withdrawals) = (1, withdrawals);
    world.now += params().block_interval_ms;
    let effects = [world.tell(Input::Tick(TimeMs(world.now))), world.tell(Input::PoolReady)].concat();
    (world.work.txs, world.work.withdrawals) = (0, 0);
    summarised(&effects)
}

#[test]
fn a_withdrawal_is_summarised_at_once_and_a_block_without_work_is_not() {
    let mut world = world();
    assert_eq!(withdraw(&mut world, 0), []);
    assert_eq!(withdraw(&mut world, 1), [range(2, 1, 3)]);
}

#[test]
fn a_range_is_durable_before_it_goes_out() {
    let mut world = world();
    world.work.withdrawals = 1;
    let effects = world.tell(Input::ParentTip(parent(HEARTBEAT + 1, 0)));
    let place = |wanted: &dyn Fn(&Effect) -> bool| effects.iter().position(wanted).unwrap();
    let persisted = place(&|effect| matches!(effect, Effect::Persist(_, Record::Summary(_))));
    let sent = place(&|effect| matches!(effect, Effect::Summarise(_)));
    assert!(persisted < sent);
}

#[test]
fn settled_money_is_acknowledged_and_news_of_a_remit_bring_no_summary() {
    let mut world = world();
    let effects = world.tell(Input::ParentTip(parent(HEARTBEAT + 1, 1)));
    assert_eq!(summarised(&effects), [range(2, 1, 2)]);
    world.accept();
    // The acceptance itself comes down as an inbox entry: a summary for it would bring the next.
    world.work.news = 1;
    let effects = world.tell(Input::ParentTip(parent(HEARTBEAT + 2, 2)));
    assert_eq!((world.tip().inbox_to, summarised(&effects)), (2, vec![]));
}

#[test]
fn one_summary_is_under_way_at_a_time_and_the_next_takes_up_all_that_came_meanwhile() {
    let mut world = world();
    assert_eq!(withdraw(&mut world, 1), [range(2, 1, 2)]);
    assert_eq!(withdraw(&mut world, 1), []);
    assert_eq!(withdraw(&mut world, 1), []);
    let effects = world.accept();
    assert_eq!(summarised(&effects), [range(3, 2, 4)]);
    let effects = world.accept();
    assert_eq!(summarised(&effects), []);
}

#[test]
fn an_unanswered_summary_goes_out_again_the_same() {
    let mut world = world();
    let resend = params().summaries.resend_ms;
    withdraw(&mut world, 1);
    withdraw(&mut world, 5);
    let sent = range(2, 1, 2);
    assert_eq!(summarised(&world.tick(resend - params().block_interval_ms - 1)), []);
    assert_eq!(summarised(&world.tick(1)), [sent]);
    assert_eq!(summarised(&world.tick(resend - 1)), []);
    assert_eq!(summarised(&world.tick(1)), [sent]);
    world.crash();
    assert_eq!(summarised(&world.log[world.log.len() - 2..]), [sent], "at once after a restart");
    let effects = world.accept();
    assert_eq!(summarised(&effects), [range(3, 2, 3)]);
}

#[test]
fn an_old_acceptance_is_no_news_and_one_by_another_sender_is() {
    let mut world = world();
    withdraw(&mut world, 1);
    withdraw(&mut world, 1);
    let old = Input::SummaryAccepted { seq: 1, child_to: Height(1) };
    assert_eq!(world.tell(old), []);
    // Somebody else summarised less under the same number; the rest is still to do.
    let effects = world.tell(Input::SummaryAccepted { seq: 2, child_to: Height(2) });
    assert_eq!(summarised(&effects), [range(3, 2, 3)]);
    let effects = world.tell(Input::SummaryAccepted { seq: 5, child_to: Height(3) });
    assert_eq!(summarised(&effects), []);
    assert_eq!(withdraw(&mut world, 1), [range(6, 3, 4)]);
}

#[test]
fn an_idle_child_gives_a_sign_of_life_twenty_times_in_a_silence() {
    let mut world = world();
    let mut heard = vec![];
    for height in HEARTBEAT + 1..=4 * HEARTBEAT {
        let effects = world.tell(Input::ParentTip(parent(height, 0)));
        heard.extend(summarised(&effects));
        if !summarised(&effects).is_empty() {
            assert_eq!(height % HEARTBEAT, 0);
            world.accept();
        }
    }
    let every = |seq| range(seq, 1 + (seq - 2) * HEARTBEAT, 1 + (seq - 1) * HEARTBEAT);
    assert_eq!(heard, [every(2), every(3), every(4)]);
}

#[test]
fn no_summary_is_larger_than_the_parent_takes() {
    let mut world = world_with(with_lines(10));
    for withdrawals in [4, 6, 1, 9, 10, 2] {
        withdraw(&mut world, withdrawals);
    }
    let mut lines = vec![];
    for _ in 0..4 {
        let range = *world.summaries.values().next_back().unwrap();
        let outbox = |height: Height| {
            world.chain.iter().find(|block| block.header.height == height).map_or(0, |block| block.header.outbox_to)
        };
        lines.push(outbox(range.to) - outbox(range.from));
        world.accept();
    }
    // The first goes out before the second comes; later ones gather until they are full.
    assert_eq!(lines, [4, 7, 9, 10]);
    assert_eq!(world.summaries.values().next_back().unwrap().to, world.tip().height);
}

#[test]
fn no_summary_acknowledges_more_inbox_entries_than_the_parent_takes() {
    let mut world = world();
    withdraw(&mut world, 1);
    world.tell(Input::PoolEmpty);
    world.tell(Input::ParentTip(parent(HEARTBEAT + 1, 15_500)));
    let mut acked = vec![];
    for _ in 0..2 {
        world.accept();
        let range = *world.summaries.values().next_back().unwrap();
        let inbox = |height: Height| {
            world.chain.iter().find(|block| block.header.height == height).map_or(0, |block| block.header.inbox_to)
        };
        acked.push(inbox(range.to) - inbox(range.from));
    }
    assert_eq!(acked, [10_000, 5_500]);
}

#[test]
fn blocks_stop_when_too_many_summaries_wait() {
    let params = with_lines(1).summaries;
    let mut summaries = Summaries::new((0, Height(0)), Mark::default(), None);
    let mark = |height| Mark { height: Height(height), outbox_to: height, ..Mark::default() };
    let max = u64::try_from(PIECES_MAX).unwrap();
    for height in 1..max {
        summaries.push(&params, mark(height));
    }
    assert!(!summaries.is_full());
    summaries.push(&params, mark(max));
    assert!(summaries.is_full());
    summaries.accept(1, Height(1));
    assert!(!summaries.is_full());
}

#[test]
fn a_full_backlog_raises_an_alarm_and_ends_when_a_summary_is_accepted() {
    let mut world = world_with(with_lines(1));
    withdraw(&mut world, 1);
    // As if the child had gone on for long: its disk holds as many blocks that each fill a summary.
    let mut saved = world.saved();
    let max = u64::try_from(PIECES_MAX).unwrap();
    let first = saved.since[0];
    let mark = |height: u64| Mark { height: Height(height), outbox_to: height, ..first };
    saved.since = (2..=max).map(mark).collect();
    (saved.tip.height, saved.tip.outbox_to) = (Height(max), max);
    saved.signed = None;
    world.machine = crate::Machine::resume(world.params.clone(), saved).unwrap();
    world.tell(Input::Tick(TimeMs(world.now)));
    world.work.withdrawals = 1;
    let effects = world.step(Input::ParentTip(parent(HEARTBEAT + 1, 0)));
    let Some(Effect::Build(header)) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(header.height, Height(max + 1));
    world.step(Input::Built(crate::Draft {
        height: header.height,
        txs_root: header.txs_root,
        receipts_root: header.receipts_root,
        outbox_to: max + 1,
        state_root: header.state_root,
        txs: 1,
        settled: 0,
    }));
    let persist = world.step(Input::Signed(banyan_types::Signature([0; 64])));
    let Some(Effect::Persist(seq, _)) = persist.first() else { panic!("{persist:?}") };
    world.step(Input::Persisted(*seq));
    assert_eq!(alarms(&world.step(Input::Committed(Height(max + 1)))), 1);
    assert_eq!(world.step(Input::ParentTip(parent(HEARTBEAT + 2, 0))), []);
    let effects = world.step(Input::SummaryAccepted { seq: 2, child_to: Height(2) });
    assert!(matches!(&effects[0], Effect::Build(_)));
}
