//! Runs of key headers, judged without what hangs on them.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{Hash, Height, TimeMs, header::KeyHeader};
use proptest::prelude::*;

use super::world::*;
use crate::{
    Header, HeaderChain, Input, RootParams,
    validity::{Fault, KeyFault, Owner},
};

fn header(header: &Header) -> &KeyHeader {
    let Header::Key(header) = header else { panic!("a key block") };
    header
}

fn name_of(fault: KeyFault) -> alloc::string::String {
    let text = alloc::format!("{fault:?}");
    text.split([' ', '(', '{']).next().unwrap().into()
}

type Break = fn(&mut KeyHeader);

#[test]
fn headers_first_rows_in_order() {
    let params = RootParams { paced: true, ..params() };
    let chain = keys(&root(), 1, 2);
    let (good, now) = (key_draft(&chain[1], 3), chain[1].time());
    let start = || {
        let past = vec![genesis(), header(&chain[0]).clone(), header(&chain[1]).clone()];
        HeaderChain::new(params.clone(), past, 2 << 24).unwrap()
    };
    let rows: [(&str, Owner, Break); 8] = [
        ("Target", Owner::Invalid, |header| header.target |= 0x0080_0000),
        ("Work", Owner::Invalid, |header| header.pow = [0; 42]),
        ("Link", Owner::Invalid, |header| header.prev_key_hash = Hash([9; 32])),
        ("Height", Owner::Invalid, |header| header.height = Height(9)),
        ("Version", Owner::Invalid, |header| header.version = 5),
        ("WrongTarget", Owner::Invalid, |header| header.target = 0x207f_ffff),
        ("Ahead", Owner::Early, |header| header.time = LATE),
        ("TooSoon", Owner::Early, |header| header.time = GENESIS_TIME),
    ];
    for (row, (name, owner, _)) in rows.iter().enumerate() {
        let mut broken = good.clone();
        rows[row..].iter().rev().for_each(|(_, _, break_it)| break_it(&mut broken));
        let broken = if row < 2 { broken } else { mined(broken) };
        let mut run = start();
        let fault = run.push(&broken, now).unwrap_err();
        assert_eq!((name_of(fault).as_str(), Fault::Key(fault).owner()), (*name, *owner));
        assert_eq!(run.tip(), start().tip(), "nothing is added");
    }
    let late = mined(KeyHeader { time: GENESIS_TIME, ..good.clone() });
    let past = vec![genesis(), header(&chain[0]).clone(), header(&chain[1]).clone()];
    let mut unpaced = HeaderChain::new(RootParams { paced: false, ..params.clone() }, past, 0).unwrap();
    assert!(matches!(unpaced.push(&late, now), Err(KeyFault::Late { .. })));
    let (mut run, good) = (start(), mined(good));
    assert_eq!(run.push(&good, now), Ok(()));
    assert_eq!(run.tip(), (good.hash(), Height(3), 3 << 24));
    assert!(HeaderChain::new(params, vec![], 0).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_run_of_headers_ends_where_the_machine_does(
        steps in prop::collection::vec(1..3 * INTERVAL, 24), start in 0usize..24, micros in any::<bool>(),
    ) {
        let params = RootParams { paced: false, retarget: true, ..params() };
        let mut node = Node::with(params.clone(), None);
        node.tell(Input::Tick(LATE));
        let (mut tip, mut time) = (root(), GENESIS_TIME.0);
        let mut chain = vec![genesis()];
        for step in steps {
            time += step;
            let target = node.machine.view().ancestry(&tip.hash()).target(&params).to_compact();
            // A run knows no micro blocks: it goes over them.
            let prev = if micros && tip.height() > Height(0) { micro(&tip, 1) } else { tip.clone() };
            node.feed([&prev]);
            let next = mined(KeyHeader { time: TimeMs(time), target, ..key_draft(&prev, 1) });
            tip = Header::Key(Box::new(next.clone()));
            node.feed([&tip]);
            prop_assert_eq!(node.tip(), tip.hash());
            chain.push(next);
        }
        let past: Vec<_> = chain[..=start].to_vec();
        let work = node.machine.work(&past[start].hash()).unwrap();
        let newest = past[past.len().saturating_sub(18)..].to_vec();
        for past in [past, newest] {
            let mut run = HeaderChain::new(params.clone(), past, work).unwrap();
            for header in &chain[start + 1..] {
                prop_assert_eq!(run.push(header, LATE), Ok(()));
            }
            prop_assert_eq!(run.tip(), (tip.hash(), Height(24), node.machine.work(&tip.hash()).unwrap()));
        }
    }
}
