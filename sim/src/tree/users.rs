//! What users of a tree do: send money along it, over several ledgers by one signature, and pay each other.

use banyan_ledger::{as_leg, first_leg};
use banyan_types::{Amount, ContractId, Hash, Payee, associate::Hop, limits::ROUTE_HOPS_MAX, tx::Transaction};

use super::{
    acts::{FEE, Move},
    journeys::Journey,
    people::Person,
    world::World,
};

impl World {
    /// Each user does something, more often than not.
    pub fn act(&mut self) {
        for user in self.cast.users.clone() {
            if self.random.chance(600) {
                let from = self.random.place(self.ledgers.len());
                let to = self.random.place(self.ledgers.len());
                self.go(&user, from, to);
            }
            if self.random.chance(150) {
                let at = self.random.place(self.ledgers.len());
                self.pay(&user, at);
            }
            if self.random.chance(80) {
                let at = self.random.place(self.ledgers.len());
                self.stray(&user, at);
            }
        }
    }

    fn some(&mut self, user: &Person, at: usize) -> Option<Amount> {
        let most = self.ledgers[at].account(user.id).balance.minus(FEE)?.base() / 8;
        let share = u128::from(self.random.between(1, 1_000));
        Amount::new(most / 1_000 * share).filter(|amount| *amount > FEE)
    }

    fn pay(&mut self, user: &Person, at: usize) {
        let to = self.random.place(self.cast.users.len());
        let Some(amount) = self.some(user, at) else { return };
        let spend = user.spend(self.cast.users[to].id, amount, self.nonce(at, user));
        self.submit(at, user, spend);
    }

    /// Send money up to a contract, which takes none: it comes back down.
    fn stray(&mut self, user: &Person, at: usize) {
        if at == 0 || self.stopped.contains(&at) {
            return;
        }
        let Some(amount) = self.some(user, at) else { return };
        let nonce = self.nonce(at, user);
        let what = Move { amount, route: vec![], leg: Hash::ZERO };
        let tx: Transaction = user.withdraw(Payee::Contract(ContractId([5; 32])), nonce, what).into();
        self.begin(user, at, at, (vec![at, self.parent(at)], tx));
    }

    /// Submit the first transaction of a journey under the name that it gives it.
    fn begin(&mut self, user: &Person, from: usize, to: usize, (path, tx): (Vec<usize>, Transaction)) {
        let leg = first_leg(&self.ledgers[from].params.network_id, &tx);
        let journey = Journey { owner: user.id, to, path, sent: 0, received: 0, ends: Vec::new() };
        self.journeys.0.insert(leg, journey);
        self.submit(from, user, as_leg(tx, leg));
    }

    /// Begin a journey, if there is a way of so few hops that one transaction holds it.
    pub fn go(&mut self, user: &Person, from: usize, to: usize) {
        if from == to || self.stopped.contains(&from) {
            return;
        }
        let (path, hops) = self.way(from, to);
        let (Some((first, route)), Some(amount)) = (hops.split_first(), self.some(user, from)) else { return };
        if route.len() > ROUTE_HOPS_MAX {
            return;
        }
        let nonce = self.nonce(from, user);
        let what = Move { amount, route: route.to_vec(), leg: Hash::ZERO };
        let tx: Transaction = match first {
            Hop::Up => user.withdraw(Payee::Account(user.id), nonce, what).into(),
            Hop::Down(child) => user.commit(user.id, *child, nonce, what).into(),
        };
        self.begin(user, from, to, (path, tx));
    }

    /// The way from one ledger to another: the ledgers, and the hops between them.
    pub fn way(&self, from: usize, to: usize) -> (Vec<usize>, Vec<Hop>) {
        let (up, down) = (self.line(from), self.line(to));
        let meet = up.iter().position(|at| down.contains(at)).unwrap_or(0);
        let turn = down.iter().position(|at| *at == up[meet]).unwrap_or(0);
        let below = down[..turn].iter().rev();
        let hops = std::iter::repeat_n(Hop::Up, meet).chain(below.clone().map(|at| Hop::Down(self.ledgers[*at].id())));
        (up[..=meet].iter().chain(below).copied().collect(), hops.collect())
    }
}
