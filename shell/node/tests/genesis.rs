//! Genesis files: what they say, and what they refuse.

mod support;

use banyan_ledger::{
    GenesisWitness,
    engine::committee::{BondRules, Sets},
};
use banyan_node::{GenesisFile, NodeError};
use banyan_types::{
    PublicKey,
    associate::{ENGINE_ROTATION, ENGINE_ROTATION_ONE_STEP, Regime, Validators},
    tx::AssociateCreate,
};
use support::*;

#[test]
fn a_genesis_file_read_again_is_the_same_ledger() {
    let (root, child, _) = genesis();
    for file in [root, child] {
        let text = file.to_toml();
        let again = GenesisFile::from_toml(&text).unwrap();
        assert_eq!(again, file);
        assert_eq!(again.genesis().unwrap().hash(), file.genesis().unwrap().hash());
        assert_eq!(again.to_toml(), text);
    }
}

#[test]
fn spaces_and_comments_do_not_change_a_ledger() {
    let (root, _, _) = genesis();
    let text = format!("# a comment\n\n{}", root.to_toml().replace(" = ", "   =   "));
    assert_eq!(GenesisFile::from_toml(&text).unwrap().genesis().unwrap().hash(), root.genesis().unwrap().hash());
}

#[test]
fn a_file_that_contradicts_itself_says_where() {
    let (root, child, _) = genesis();
    let text = root.to_toml();
    let rows = [
        (text.replace("name = \"root\"", "name = \"Root!\""), "name must be"),
        (text.replace("time_ms", "time_mss"), "unknown field"),
        (text.replace("final_depth = 1", "final_depth = 0"), "final_depth"),
        (text.replace("edge_bits = 10", "edge_bits = 40"), "edge_bits"),
        (text.replace("profile = \"dev\"", "profile = \"main\""), "need witnesses"),
        (with_versions(&text, "[0, 6], [0, 7]"), "ascend"),
        (with_versions(&text, "[0, 6], [500, 7]"), "version 7 begins at height 500"),
        (text.replace("\"10000\"", "\"ten\""), "not an amount"),
        (child.to_toml().replace("leader = \"pp_", "leader = \"pp_1"), "leader"),
    ];
    for (text, says) in rows {
        let error = GenesisFile::from_toml(&text).and_then(|file| file.genesis().map(|_| ())).unwrap_err();
        assert!(matches!(error, NodeError::GenesisFile(_)), "{error}");
        assert!(error.to_string().contains(says), "{error} should speak of {says}");
    }
}

fn with_versions(text: &str, rows: &str) -> String {
    let (before, after) = text.split_once("versions = [").unwrap();
    let (_, after) = after.split_once("]]").or_else(|| after.split_once("],\n]")).unwrap();
    format!("{before}versions = [{rows}]{after}")
}

fn witnesses(count: u8) -> Vec<GenesisWitness> {
    let witness = |n| GenesisWitness { staker: account(n), key: PublicKey([n; 32]), bond: coins(u64::from(n) + 1) };
    (0..count).map(witness).collect()
}

#[test]
fn witnesses_are_read_as_they_were_written() {
    let (root, _, _) = genesis();
    assert_eq!(root.clone().with_witnesses(vec![]), root);
    let mut staked = root.with_witnesses(witnesses(4));
    let text = staked.to_toml();
    assert!(text.contains("[root.stake]") && text.contains("[[witnesses]]"), "{text}");
    assert_eq!(GenesisFile::from_toml(&text).unwrap(), staked);
    staked.params.root = Some(GenesisFile::main_root_rules());
    staked.profile = "main".into();
    for witness in &mut staked.witnesses {
        witness.bond = coins(1_000_000);
    }
    assert_eq!(GenesisFile::from_toml(&staked.to_toml()).unwrap(), staked);
}

#[test]
fn witnesses_and_finality_by_depth_exclude_each_other() {
    let (root, _, _) = genesis();
    let staked = |count| root.clone().with_witnesses(witnesses(count));
    assert!(staked(4).genesis().is_ok());
    let text = staked(4).to_toml();
    let mut off = root.clone();
    off.witnesses = witnesses(4);
    let rows = [
        (text.replace("final_depth = 0", "final_depth = 1"), "final_depth"),
        (staked(3).to_toml(), "at least 4"),
        (off.to_toml(), "[root.stake]"),
        (text.replace("key = \"pp_", "key = \"ak_"), "witnesses, key"),
    ];
    for (text, says) in rows {
        let error = GenesisFile::from_toml(&text).unwrap_err();
        assert!(error.to_string().contains(says), "{error} should speak of {says}");
    }
}

#[test]
fn a_child_genesis_cannot_hold_coins() {
    let (_, mut child, _) = genesis();
    child.accounts.insert(account(USER), coins(1));
    assert!(matches!(child.genesis(), Err(NodeError::Genesis(_))));
}

#[test]
fn a_committees_epochs_stand_in_its_file_and_a_fixed_set_has_none() {
    let (_, solo, id) = genesis();
    let keys = [1, 2, 3, 4].map(|n| PublicKey(key(n).public()));
    let fixed = GenesisFile::dev_committee("bank", id, START, 3_000, &keys).unwrap();
    assert!(!fixed.to_toml().contains("epochs"));
    let bonds = BondRules { stake_min: coins(10), validators_min: 4, unbond_epochs: 14, renew_epochs: Some(100) };
    let mut hashes = std::collections::BTreeSet::from([fixed.genesis().unwrap().hash()]);
    for sets in [Sets::Permissioned, Sets::Contract, Sets::Stake(bonds)] {
        let file = fixed.clone().with_epochs(600, sets);
        let again = GenesisFile::from_toml(&file.to_toml()).unwrap();
        assert_eq!(again, file);
        assert!(hashes.insert(again.genesis().unwrap().hash()), "another ledger");
    }
    let staked = fixed.clone().with_epochs(600, Sets::Contract).to_toml();
    let both = staked.replace(
        "contract = true",
        "contract = true\nstake = { stake_min = \"1\", validators_min = 4, unbond_epochs = 1 }",
    );
    assert!(GenesisFile::from_toml(&both).unwrap_err().to_string().contains("not both"));
    let mut wrong = solo;
    wrong.params.committee = fixed.with_epochs(600, Sets::Permissioned).params.committee;
    assert!(wrong.genesis().unwrap_err().to_string().contains("epochs go with the engine committee"));
}

#[test]
fn a_root_may_register_a_rotation_whose_certificates_it_takes() {
    let (root, _, id) = genesis();
    let keys = [1, 2, 3, 4].map(|n| PublicKey(key(n).public()));
    // Two of four confirm in one step, and three in two.
    for (threshold, engine) in [(2, ENGINE_ROTATION_ONE_STEP), (3, ENGINE_ROTATION)] {
        let child = GenesisFile::dev_rotation("relay", id, START, 3_000, (&keys, threshold)).unwrap();
        let known = child.engine.certifiers().unwrap();
        assert_eq!((known.engine, known.set.members().len()), (engine, 4));
        let mut file = root.clone();
        let create = registration(&child, Regime::Certificate(known.clone()));
        file.associates = vec![create.clone().into()];
        assert_eq!(GenesisFile::from_toml(&file.to_toml()).unwrap(), file);
        assert!(banyan_ledger::genesis_state(&file.genesis().unwrap()).is_ok());
        let other = Regime::Certificate(Validators { engine: 4, ..known });
        file.associates = vec![AssociateCreate { regime: other, ..create }.into()];
        assert!(banyan_ledger::genesis_state(&file.genesis().unwrap()).is_err(), "no engine of that number is known");
    }
    let solo = GenesisFile::dev_solo("bank", id, START, 3_000, keys[0]);
    assert_eq!(solo.engine.certifiers(), None);
}
