//! What trees show, beyond what every block of theirs is looked at for.

use banyan_types::{Amount, Hash, associate::InboxKind};

use super::{
    acts::Move,
    laws,
    plan::{Engine, Plan, Regime},
    scenario::Scenario,
    world::World,
};

/// A root and one solo child, on which three users have a thousand coins each; the root is final only where a test says so.
fn pair(seed: u64) -> World {
    let plan = Plan { reorgs: false, absences: false, ..Plan::pair(Engine::Solo, Regime::Operators) };
    let mut world = World::grown(seed, plan, false).expect("a pair");
    laws::open(&mut world);
    world.plan.lag_max = 0;
    world
}

/// The first user commits ten coins into the child, in the root's next block.
fn commit(world: &mut World) {
    let (user, id) = (world.cast.users[0].clone(), world.ledgers[1].id());
    let what = Move { amount: Amount::coins(10).expect("below the cap"), route: vec![], leg: Hash::ZERO };
    let tx = user.commit(user.id, id, world.nonce(0, &user), what);
    world.submit(0, &user, tx);
}

/// What the first user has on a ledger.
fn has(world: &World, at: usize) -> Amount {
    world.ledgers[at].account(world.cast.users[0].id).balance
}

/// Commits that wait for the child.
fn waiting(world: &World) -> usize {
    let entries = world.ledgers[0].entries(world.ledgers[1].id());
    entries.iter().filter(|entry| entry.kind == InboxKind::Commit).count()
}

#[test]
fn a_commit_is_not_credited_before_its_parent_block_is_final() {
    let mut world = pair(1);
    let before = has(&world, 1);
    commit(&mut world);
    world.freeze_finality(3);
    for _ in 0..3 {
        world.round().expect("the laws hold");
        assert_eq!((waiting(&world), has(&world, 1)), (1, before), "it is written, and not final");
    }
    world.round().expect("the laws hold");
    let ten = Amount::coins(10).expect("below the cap");
    assert_eq!(Some(has(&world, 1)), before.plus(ten), "three key blocks stand on its generation");
}

#[test]
fn a_parent_reorg_before_finality_leaves_no_coin_behind() {
    let mut world = pair(2);
    let before = (has(&world, 0), has(&world, 1));
    world.freeze_finality(3);
    world.round().expect("the laws hold");
    let root = world.ledgers[0].state.root();
    commit(&mut world);
    world.round().expect("the laws hold");
    assert_eq!(waiting(&world), 1);
    let undone: Vec<_> = [world.abandon(0), world.abandon(0)].concat();
    assert_eq!(undone.len(), 1, "the commit alone was in it");
    assert_eq!((world.ledgers[0].state.root(), waiting(&world)), (root, 0), "the root is what it was");
    laws::no_credit_is_left(&world).expect("no child has seen it");
    for _ in 0..8 {
        world.round().expect("the laws hold");
    }
    assert_eq!((has(&world, 0), has(&world, 1)), before, "nothing was paid, nothing was credited");
}

#[test]
fn the_same_matrix_test_runs_every_engine_with_every_sensible_regime() {
    let rotations = (1..=4).map(|threshold| Engine::Rotation { members: 4, threshold });
    let engines = [Engine::Solo, Engine::Committee { members: 4 }].into_iter().chain(rotations);
    let pairs: Vec<_> =
        engines.flat_map(|engine| engine.regimes().into_iter().map(move |regime| (engine, regime))).collect();
    // One operator has no certificate that a parent may rest on.
    assert_eq!(pairs.len(), 2 + 5 * 3);
    for (seed, (engine, regime)) in pairs.into_iter().enumerate() {
        for scenario in [Scenario::Calm, Scenario::Minter, Scenario::Sleeper] {
            let plan = Plan::pair(engine, regime);
            let ended = scenario.live(seed as u64, plan, false);
            let figures = ended.unwrap_or_else(|broken| panic!("{engine:?} {regime:?}: {broken}")).figures;
            assert!(figures.remits > 0 && figures.transfers > 0, "{engine:?} {regime:?}: {figures:?}");
            let done = figures.journeys.get("done").copied().unwrap_or(0);
            assert!(scenario != Scenario::Calm || done > 0, "{engine:?} {regime:?}: {figures:?}");
            assert!(scenario != Scenario::Sleeper || figures.claims > 0, "{engine:?} {regime:?}: {figures:?}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_tree() {
    for seed in 0..13 {
        let scenario = Scenario::at(seed);
        let one = scenario.run(seed, false).unwrap_or_else(|broken| panic!("{} {seed}: {broken}", scenario.name()));
        let other = scenario.run(seed, false).expect("as before");
        assert_eq!(one.trace, other.trace, "seed {seed}");
    }
}

#[test]
fn a_contract_can_be_wrong_about_a_committee_and_its_ledger_does_not_stop() {
    for regime in [Regime::Operators, Regime::Certificate] {
        for seed in 0..4 {
            let plan = Plan::pair(Engine::Ruled { members: 4 }, regime);
            let ended = Scenario::BadContract.live(seed, plan, false);
            let figures = ended.unwrap_or_else(|broken| panic!("{regime:?} {seed}: {broken}")).figures;
            assert!(figures.lies_refused > 3 && figures.remits > 0, "{regime:?} {seed}: {figures:?}");
        }
    }
}
