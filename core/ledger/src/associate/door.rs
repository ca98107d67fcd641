//! Whether a parent would let money down into a child now: asked before a journey begins, and after one came to rest.

use banyan_types::{AccountId, Amount, Height, associate::Access};

use crate::{ConnectionPoint, Rejected, Standing};

impl ConnectionPoint {
    /// Why a commit of `amount` of the coin for `account` would be refused at `height`, in the order in which the rule looks; `None`
    /// where it would be taken. `may_receive` is what the child's list says of the account. Source: associates 3, commit.
    pub fn refusal(&self, height: Height, account: AccountId, may_receive: bool, amount: Amount) -> Option<Rejected> {
        let (min, max) = (self.params.commit_min, self.params.inbox_open_max);
        let standing = self.standing(height);
        if standing != Standing::Open {
            return Some(Rejected::Status { status: standing.as_str() });
        }
        if amount < min {
            return Some(Rejected::CommitTooSmall { min, got: amount });
        }
        if self.access == Access::Listed && !may_receive {
            return Some(Rejected::Access { account });
        }
        let open = self.inbox_next.saturating_sub(self.inbox_acked);
        (open >= max).then_some(Rejected::InboxFull { max })
    }
}
