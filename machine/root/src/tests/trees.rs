//! The law of fork choice: random trees in random orders, beside a model that looks at the whole tree at once.

use alloc::{collections::BTreeSet, vec::Vec};

use banyan_types::Hash;
use proptest::{prelude::*, sample::Index};

use super::world::*;
use crate::{Effect, Header, Input, tree::HEADERS_MAX, waiting::WAITING_PER_PEER_MAX};

/// Blocks of one tree; each names its parent by its place, 0 being the genesis.
const BLOCKS_MAX: usize = 14;

/// How a block hangs in the tree: its parent, whether it is a key block, whether it executes to what it says.
#[derive(Clone, Debug)]
struct Shape {
    parent: Index,
    is_key: bool,
    is_valid: bool,
}

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    let shape = (any::<Index>(), prop::bool::weighted(0.6), prop::bool::weighted(0.85))
        .prop_map(|(parent, is_key, is_valid)| Shape { parent, is_key, is_valid });
    prop::collection::vec(shape, 1..BLOCKS_MAX)
}

/// Where the block number `place` hangs. Half of them near the end, so that there are chains and not only bushes.
fn parent_of(shape: &Shape, place: usize) -> usize {
    let any = shape.parent.index(2 * place);
    if any < place { any } else { place - 1 }
}

/// The blocks, the genesis first.
fn grow(shapes: &[Shape]) -> (Vec<Header>, Vec<usize>) {
    let (mut headers, mut parents) = (alloc::vec![root()], alloc::vec![0]);
    for (place, shape) in (1..).zip(shapes) {
        let parent = parent_of(shape, place);
        let prev = headers[parent].clone();
        let salt = u8::try_from(place).unwrap();
        headers.push(if shape.is_key || parent == 0 { key(&prev, salt) } else { micro(&prev, salt) });
        parents.push(parent);
    }
    (headers, parents)
}

/// The tree as a whole: what the machine has to arrive at.
struct Model {
    headers: Vec<Header>,
    parents: Vec<usize>,
    valid: Vec<bool>,
}

impl Model {
    fn new(shapes: &[Shape]) -> Self {
        let (headers, parents) = grow(shapes);
        let mut valid = alloc::vec![true];
        for (place, shape) in (1..).zip(shapes) {
            let parent: usize = parents[place];
            valid.push(shape.is_valid && valid[parent]);
        }
        Self { headers, parents, valid }
    }

    fn descends(&self, mut place: usize, ancestor: usize) -> bool {
        while place > ancestor {
            place = self.parents[place];
        }
        place == ancestor
    }

    /// Key blocks that execute.
    fn finalisable(&self) -> Vec<usize> {
        (0..self.headers.len()).filter(|place| self.valid[*place] && self.headers[*place].index() == 0).collect()
    }

    /// All tips that are right when `last_final` is final: they differ only in who was seen first.
    fn tips(&self, last_final: usize) -> Vec<Hash> {
        let fits: Vec<_> =
            (0..self.headers.len()).filter(|place| self.valid[*place] && self.descends(*place, last_final)).collect();
        let height = fits.iter().map(|place| self.headers[*place].height()).max().unwrap();
        let keys = fits.iter().filter(|place| self.headers[**place].height() == height && self.is_key(**place));
        let longest = |key: &usize| {
            let key = *key;
            let generation = fits.iter().filter(move |place| self.key_of(**place) == key);
            let index = generation.clone().map(|place| self.headers[*place].index()).max().unwrap();
            generation.filter(move |place| self.headers[**place].index() == index)
        };
        keys.flat_map(longest).map(|place| self.headers[*place].hash()).collect()
    }

    fn is_key(&self, place: usize) -> bool {
        self.headers[place].index() == 0
    }

    fn key_of(&self, mut place: usize) -> usize {
        while !self.is_key(place) {
            place = self.parents[place];
        }
        place
    }

    fn node(&self, shapes: &[Shape]) -> Node {
        let mut node = Node::late();
        let poison = self.headers.iter().skip(1).zip(shapes).filter(|(_, shape)| !shape.is_valid);
        node.poison = poison.map(|(header, _)| header.hash()).collect::<BTreeSet<_>>();
        node
    }
}

/// What happens to a node besides blocks.
#[derive(Clone, Debug)]
enum Event {
    Block(usize),
    Final(usize),
    Crash,
}

fn check_limits(node: &Node) {
    assert!(node.machine.tree.len() <= HEADERS_MAX);
    assert!(node.machine.waiting().len() <= 2 * WAITING_PER_PEER_MAX);
}

fn play(node: &mut Node, model: &Model, events: &[Event]) {
    for (turn, event) in events.iter().enumerate() {
        let peer = if turn % 2 == 0 { ALICE } else { BOB };
        match event {
            Event::Block(place) => drop(node.tell(from(peer, &model.headers[*place]))),
            Event::Final(place) => {
                let header = &model.headers[*place];
                node.tell(Input::Final { hash: header.hash(), height: header.height() });
            }
            Event::Crash => node.crash(),
        }
        check_limits(node);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_the_order_the_chain_is_the_heaviest_valid_one(
        shapes in shapes(),
        order in Just((1..=BLOCKS_MAX).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let model = Model::new(&shapes);
        let mut node = model.node(&shapes);
        let events: Vec<_> =
            order.into_iter().filter(|place| *place <= shapes.len()).map(Event::Block).collect();
        play(&mut node, &model, &events);
        prop_assert!(model.tips(0).contains(&node.tip()));
        prop_assert_eq!(node.head, node.tip());
        prop_assert_eq!(node.machine.waiting().len(), 0);
    }

    #[test]
    fn finality_and_crashes_at_any_time_leave_the_heaviest_valid_chain_above_the_final_block(
        shapes in shapes(),
        order in Just((1..=BLOCKS_MAX).collect::<Vec<_>>()).prop_shuffle(),
        chosen in any::<Index>(),
        (final_at, crash_at) in (any::<Index>(), any::<Index>()),
    ) {
        let model = Model::new(&shapes);
        let mut node = model.node(&shapes);
        let finalisable = model.finalisable();
        let last_final = finalisable[chosen.index(finalisable.len())];
        let mut events: Vec<_> =
            order.into_iter().filter(|place| *place <= shapes.len()).map(Event::Block).collect();
        events.insert(final_at.index(events.len() + 1), Event::Final(last_final));
        events.insert(crash_at.index(events.len() + 1), Event::Crash);
        play(&mut node, &model, &events);
        // What a crash lost, peers and the finality gadget tell again.
        let again = [Event::Final(last_final)].into_iter().chain((1..=shapes.len()).map(Event::Block));
        play(&mut node, &model, &again.collect::<Vec<_>>());
        prop_assert!(model.tips(last_final).contains(&node.tip()));
        prop_assert_eq!(node.machine.last_final().hash, model.headers[last_final].hash());
        prop_assert_eq!(node.head, node.tip());
        let told = node.told.iter().filter(|tip| tip.hash == model.headers[last_final].hash()).count();
        prop_assert_eq!(told, usize::from(last_final != 0), "children hear of each final block once");
        let conflict = |effect: &Effect| matches!(effect, Effect::Alarm(crate::Alarm::ConflictingFinal { .. }));
        prop_assert!(!node.log.iter().any(conflict));
    }
}
