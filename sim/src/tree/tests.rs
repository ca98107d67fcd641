use super::scenario::Scenario;

#[test]
fn the_same_seed_is_the_same_tree() {
    for seed in 0..13 {
        let scenario = Scenario::at(seed);
        let one = scenario.run(seed, false).unwrap_or_else(|broken| panic!("{} {seed}: {broken}", scenario.name()));
        let other = scenario.run(seed, false).expect("as before");
        assert_eq!(one.trace, other.trace, "seed {seed}");
    }
}
