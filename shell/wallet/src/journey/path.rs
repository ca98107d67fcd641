//! The way from one ledger to another: up to the lowest common ancestor, then down.

use banyan_types::AssociateId;
use serde::{Deserialize, Serialize};

use crate::client::TreeNode;

/// Ledgers that a way may lead through. Source: the depth limits of ledger 7, both ways.
const STEPS_MAX: usize = 16;

/// What one leg does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Down into a child.
    Commit,
    /// Up to the parent, which pays when it accepts the child's summary.
    Withdraw,
}

/// One leg of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Down or up.
    pub action: Action,
    /// Name of the ledger that the leg leaves, where its transaction is signed for.
    pub on: String,
    /// Name of the ledger where it arrives.
    pub into: String,
    /// The child of the two.
    pub associate: AssociateId,
    /// What the parent of the two demands of that child.
    pub regime: Option<String>,
}

/// Why there is no way; the asker's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPath {
    /// No ledger of the node has this name.
    #[error("this node serves no ledger {name}")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Nothing to walk.
    #[error("the coins are on {name} already")]
    Here {
        /// The ledger.
        name: String,
    },
    /// The two have no common ancestor among the ledgers of the node.
    #[error("no ledger that this node serves is above both {from} and {to}")]
    Apart {
        /// One.
        from: String,
        /// The other.
        to: String,
    },
    /// Too far.
    #[error("{got} legs, at most {STEPS_MAX}")]
    TooLong {
        /// How many.
        got: usize,
    },
}

/// The way from `from` to `to`, by their names or paths as they stand in the tree.
/// # Errors
/// Any [`NoPath`].
pub fn path(tops: &[TreeNode], from: &str, to: &str) -> Result<Vec<Step>, NoPath> {
    let (up, down) = (line(tops, from)?, line(tops, to)?);
    let common = up.iter().zip(&down).take_while(|(a, b)| a.path == b.path).count();
    if common == 0 {
        return Err(NoPath::Apart { from: from.into(), to: to.into() });
    }
    let pairs = |line: &[&TreeNode]| line.windows(2).map(|two| (two[0].clone(), two[1].clone())).collect::<Vec<_>>();
    let rising =
        pairs(&up[common - 1..]).into_iter().rev().map(|(above, below)| step(Action::Withdraw, &above, &below));
    let falling = pairs(&down[common - 1..]).into_iter().map(|(above, below)| step(Action::Commit, &above, &below));
    let steps: Vec<_> = rising.chain(falling).collect();
    match steps.len() {
        0 => Err(NoPath::Here { name: from.into() }),
        got if got > STEPS_MAX => Err(NoPath::TooLong { got }),
        _ => Ok(steps),
    }
}

fn step(action: Action, above: &TreeNode, below: &TreeNode) -> Step {
    let (on, into) = match action {
        Action::Commit => (above, below),
        Action::Withdraw => (below, above),
    };
    Step {
        action,
        on: on.name.clone(),
        into: into.name.clone(),
        associate: below.associate.unwrap_or(AssociateId::ZERO),
        regime: below.regime.clone(),
    }
}

/// The ledgers from the top down to the one that is meant.
fn line<'a>(tops: &'a [TreeNode], name: &str) -> Result<Vec<&'a TreeNode>, NoPath> {
    let names: Vec<_> = name.split('/').collect();
    let found = tops.iter().find_map(|top| descend(top, &names));
    found.ok_or_else(|| NoPath::Unknown { name: name.into() })
}

/// The line down to the ledger whose path ends in `names`.
fn descend<'a>(node: &'a TreeNode, names: &[&str]) -> Option<Vec<&'a TreeNode>> {
    let ends = node.path.len() >= names.len() && node.path.iter().rev().zip(names.iter().rev()).all(|(a, b)| a == b);
    if ends {
        return Some(vec![node]);
    }
    let below = node.children.iter().find_map(|child| descend(child, names))?;
    Some(std::iter::once(node).chain(below).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn node(path: &[&str], children: &[Value]) -> Value {
        let id = AssociateId([u8::try_from(path.concat().len()).unwrap(); 32]);
        json!({
            "name": path.last(), "path": path, "network_id": path.join("."), "engine": "solo",
            "associate": (path.len() > 1).then(|| id.to_string()), "regime": "operators",
            "top": { "height": 1, "hash": "kh_x" }, "levels": [], "children": children,
        })
    }

    fn tree() -> Vec<TreeNode> {
        let relay = node(&["root", "bank", "relay"], &[]);
        let bank = node(&["root", "bank"], &[relay]);
        let arena = node(&["root", "arena"], &[]);
        serde_json::from_value(json!([node(&["root"], &[bank, arena]), node(&["other"], &[])])).unwrap()
    }

    fn words(from: &str, to: &str) -> String {
        let word = |step: &Step| match step.action {
            Action::Withdraw => format!("{}^{}", step.on, step.into),
            Action::Commit => format!("{}v{}", step.on, step.into),
        };
        path(&tree(), from, to).unwrap().iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_way_goes_up_to_the_common_ancestor_and_down() {
        assert_eq!(words("root", "bank"), "rootvbank");
        assert_eq!(words("bank", "root"), "bank^root");
        assert_eq!(words("arena", "bank/relay"), "arena^root rootvbank bankvrelay");
        assert_eq!(words("relay", "root/arena"), "relay^bank bank^root rootvarena");
        assert_eq!(words("root/bank/relay", "bank"), "relay^bank");
    }

    #[test]
    fn each_leg_names_the_child_of_its_two_ledgers() {
        let steps = path(&tree(), "arena", "relay").unwrap();
        let id = |len: u8| AssociateId([len; 32]);
        let ids: Vec<_> = steps.iter().map(|step| step.associate).collect();
        assert_eq!(ids, [id(9), id(8), id(13)]);
    }

    #[test]
    fn where_there_is_no_way_the_reason_is_said() {
        let rows = [
            ("root", "moon", NoPath::Unknown { name: "moon".into() }),
            ("bank", "root/bank", NoPath::Here { name: "bank".into() }),
            ("bank", "other", NoPath::Apart { from: "bank".into(), to: "other".into() }),
        ];
        for (from, to, why) in rows {
            assert_eq!(path(&tree(), from, to), Err(why));
        }
    }
}
