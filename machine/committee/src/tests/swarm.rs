//! Everything at once: one seed draws losses, cuts, crashes and at most one liar; then all heals, and blocks go on.

use super::world::*;

/// Disturb a world for a minute, then let it heal.
fn swarm(seed: u64) -> World {
    let mut world = World::new(seed, Faults::default());
    let bad = usize::try_from(world.roll(8)).unwrap();
    match world.roll(4) {
        0 => world.faults.equivocator = Some(bad).filter(|bad| *bad < 4),
        1 => world.faults.liar = Some(bad).filter(|bad| *bad < 4),
        _ => {}
    }
    world.faults.lost = world.roll(30);
    for _ in 0..12 {
        let (one, other) = (world.roll(4), world.roll(4));
        let [one, other] = [one, other].map(|i| usize::try_from(i).unwrap());
        match world.roll(6) {
            0 => world.parts = Some([one, other].into()),
            1 => world.parts = None,
            2 | 3 => {
                world.kill(one);
                let away = world.roll(6_000);
                world.boot_after(one, away);
            }
            4 => world.fill_pools(),
            _ => {}
        }
        let pause = world.roll(10_000);
        world.run(pause);
    }
    (world.parts, world.faults.lost) = (None, 0);
    world.run(7_000); // the last of those who were away are back
    world
}

fn heals(seed: u64) {
    let mut world = swarm(seed);
    let height = world.heights().into_iter().max().unwrap();
    world.run_until(height + 3, 40_000);
    assert_eq!(world.signed_twice, 0, "seed {seed}");
    assert!(world.nodes.iter().all(|node| node.alarms.is_empty()), "seed {seed}");
    for node in &world.nodes {
        assert!(
            node.quorum.last().is_none_or(|is_there| *is_there),
            "seed {seed}: a quorum is back, and nobody says so"
        );
    }
}

#[test]
fn a_committee_survives_whatever_one_seed_draws() {
    (0..20).for_each(heals);
}
