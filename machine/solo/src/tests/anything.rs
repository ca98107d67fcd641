//! Whatever happens, in whatever order: the chain obeys the rules, summaries are one unbroken line, and work goes on.

use alloc::{vec, vec::Vec};

use banyan_types::{Height, TimeMs};
use proptest::prelude::*;

use super::world::*;
use crate::{Effect, Input, Seq};

/// Something that happens to the operator's node.
#[derive(Clone, Copy, Debug)]
enum Event {
    Tick(u64),
    /// The parent moves on and has so many more inbox entries.
    Parent(u64, u64),
    Work(u32, u64),
    Pool(bool),
    /// The shell carries out one order, or loses the answer.
    Obey,
    Accepted,
    Crash,
    /// An answer that nobody asked for.
    Stray(u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let one = prop_oneof![
        4 => (0u64..500).prop_map(Event::Tick),
        4 => (1u64..40, 0u64..300).prop_map(|(blocks, entries)| Event::Parent(blocks, entries)),
        1 => (1_000u64..3_000, 0u64..3_000).prop_map(|(blocks, entries)| Event::Parent(blocks, entries)),
        3 => (0u32..3, 0u64..600).prop_map(|(txs, withdrawals)| Event::Work(txs, withdrawals)),
        3 => prop::bool::weighted(0.8).prop_map(Event::Pool),
        30 => Just(Event::Obey),
        3 => Just(Event::Accepted),
        1 => Just(Event::Crash),
        1 => any::<u8>().prop_map(Event::Stray),
    ];
    prop::collection::vec(one, 1..250)
}

/// The world, and the orders that its shell has not carried out yet.
struct Slow {
    world: World,
    orders: Vec<Effect>,
    height: u64,
}

impl Slow {
    fn new() -> Self {
        Self { world: World::new(), orders: vec![], height: 0 }
    }

    fn tell(&mut self, input: Input) {
        let effects = self.world.step(input);
        self.orders.extend(effects);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Tick(more) => {
                self.world.now += more;
                self.tell(Input::Tick(TimeMs(self.world.now)));
            }
            Event::Parent(blocks, entries) => {
                self.height += blocks;
                let before = self.world.parent_at(self.height).inbox_next;
                self.world.inbox.insert(self.height, before + entries);
                self.tell(Input::ParentTip(self.world.parent_at(self.height)));
            }
            Event::Work(txs, withdrawals) => {
                (self.world.work.txs, self.world.work.withdrawals) = (txs, withdrawals * u64::from(txs.min(1)));
            }
            Event::Pool(true) => self.tell(Input::PoolReady),
            Event::Pool(false) => self.tell(Input::PoolEmpty),
            Event::Obey => self.obey(),
            Event::Accepted if self.world.summaries.is_empty() => {}
            Event::Accepted => drop(self.world.accept()),
            Event::Crash => {
                self.orders.clear();
                self.world.crash();
            }
            Event::Stray(which) => self.tell(match which % 3 {
                0 => Input::Persisted(Seq(u64::MAX)),
                1 => Input::Committed(Height(u64::MAX)),
                _ => Input::SummaryAccepted { seq: 0, child_to: Height(0) },
            }),
        }
    }

    fn obey(&mut self) {
        if self.orders.is_empty() {
            return;
        }
        let order = self.orders.remove(0);
        if let Some(answer) = self.world.obey(&order) {
            self.tell(answer);
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_rules_hold_and_all_work_goes_up(events in events()) {
        let mut slow = Slow::new();
        for event in events {
            slow.happen(event);
        }
        prop_assert_eq!(alarms(&slow.world.log), 0);

        // Heal: carry out every order, tell the parent's newest block, accept what comes.
        (slow.world.work.txs, slow.world.work.withdrawals) = (0, 0);
        while !slow.orders.is_empty() {
            slow.obey();
        }
        slow.happen(Event::Parent(1, 0));
        for _ in 0..10_000 {
            if slow.orders.is_empty() {
                break;
            }
            slow.obey();
        }
        slow.world.tick(params().summaries.resend_ms);
        let mut accepted = 0;
        while accepted < slow.world.summaries.len() {
            accepted = slow.world.summaries.len();
            slow.world.accept();
        }
        let tip = slow.world.tip();
        prop_assert_eq!((tip.parent_height, tip.inbox_to), (Height(slow.height), slow.world.parent_at(slow.height).inbox_next));
        let mut from = Height(0);
        for range in slow.world.summaries.values() {
            prop_assert!(range.from == from && range.to > from, "one line without gaps");
            from = range.to;
        }
        let rest = slow.world.chain.iter().filter(|block| block.header.height > from);
        let all_up = slow.world.chain.iter().filter(|block| block.header.height <= from).map(|block| block.header.outbox_to);
        prop_assert_eq!(all_up.max().unwrap_or(0), tip.outbox_to, "every withdrawal");
        prop_assert_eq!(rest.map(|block| block.settled).sum::<u32>(), 0, "every credit");
    }
}
