//! One validator, step by step.

use super::world::*;

#[test]
fn debug() {
    extern crate std;
    let mut world = super::network::swarm(0, 3, 1);
    for _ in 0..10 {
        world.run(6_000);
        for at in 0..3 {
            let node = &world.nodes[at];
            let Some(m) = &node.machine else { continue };
            std::println!(
                "{} node {at} tip {} final {} clock {:?} waiting {:?} last {:?} bound {:?} pool {:?} building {} adopted {} committing {:?} q {}",
                world.now - START,
                world.height(at),
                world.final_height(at),
                (m.clock.height, m.clock.view, m.clock.since, m.clock.tip.0[0]),
                m.waiting.values().map(|w| (w.header.height)).collect::<alloc::vec::Vec<_>>(),
                m.said.last_commitment().map(|s| (s.statement.height, s.statement.view)),
                m.bound.height,
                m.pool, m.building.is_some(), m.adopted.0[0], m.committing.map(|h| h.0[0]), m.has_quorum
            );
            for hash in m.tree.path(m.clock.tip).into_iter().rev().take(6) {
                let b = &m.tree.get(&hash).unwrap().block;
                std::print!("  {}/{}:{} {}<{};", b.header.height.0, b.header.view, hash.0[0], m.votes.commitments(b.header.height, hash).len(), b.prev_seal.as_ref().map_or(0, |s| s.signatures.len()));
            }
            std::println!();
        }
    }
    panic!();
}
