//! Genesis files: what they say, and what they refuse.

mod support;

use banyan_node::{GenesisFile, NodeError};
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
        (text.replace("\"10000\"", "\"ten\""), "not an amount"),
        (child.to_toml().replace("leader = \"pp_", "leader = \"pp_1"), "leader"),
    ];
    for (text, says) in rows {
        let error = GenesisFile::from_toml(&text).and_then(|file| file.genesis().map(|_| ())).unwrap_err();
        assert!(matches!(error, NodeError::GenesisFile(_)), "{error}");
        assert!(error.to_string().contains(says), "{error} should speak of {says}");
    }
}

#[test]
fn a_child_genesis_cannot_hold_coins() {
    let (_, mut child, _) = genesis();
    child.accounts.insert(account(USER), coins(1));
    assert!(matches!(child.genesis(), Err(NodeError::Genesis(_))));
}
