//! Compares each cost with the best peer's, and with its budget.

use std::fmt;

use crate::{
    budgets::{self, Verdict},
    classes::Class,
    contestants::{Contestant, Role, Store},
    measure::Cost,
};

/// A cost of cloakroom, and the figures that it is compared with.
pub struct Row<'a> {
    /// The cost.
    pub cost: &'a Cost,
    /// The peer with the lowest cost on this framework and store. In Redis, the bare commands if a budget is about
    /// them.
    pub rival: Option<&'a Cost>,
    /// The number of commands to Redis.
    pub commands: Option<usize>,
}

impl<'a> Row<'a> {
    /// Returns each cost of cloakroom among `costs`. `commands` returns the number of commands that a request sends to
    /// Redis.
    pub fn all(costs: &'a [Cost], commands: impl Fn(&Cost) -> Option<usize>) -> Vec<Self> {
        let is_ours = |cost: &&Cost| matches!(cost.contestant.role, Role::Ours | Role::OursBeside);
        let row = |cost| Self { cost, rival: rival(cost, costs), commands: commands(cost) };
        costs.iter().filter(is_ours).map(row).collect()
    }

    /// Returns the ratio of this cost to the rival's.
    pub fn ratio(&self) -> Option<f64> {
        self.rival.map(|rival| self.cost.overhead.median / rival.overhead.median)
    }

    /// Returns the allowed ratio.
    pub fn ratio_budget(&self) -> Option<f64> {
        let Contestant { framework, store, .. } = self.cost.contestant;
        self.budgeted(budgets::ratio(framework, store, self.cost.class, self.cost.payload))
    }

    /// Returns the allowed number of allocations.
    pub fn allocation_budget(&self) -> Option<i64> {
        let Contestant { framework, store, .. } = self.cost.contestant;
        self.budgeted(budgets::allocations(framework, store, self.cost.class))
    }

    /// Returns the verdict on the time.
    pub fn ratio_verdict(&self) -> Option<Verdict> {
        Some(Verdict::of_ratio(self.ratio()?, self.ratio_budget()?))
    }

    /// Returns the verdict on the allocations.
    pub fn allocation_verdict(&self) -> Option<Verdict> {
        Some(Verdict::of_count(self.cost.allocations, self.allocation_budget()?))
    }

    /// Returns the verdict on the number of commands.
    pub fn command_verdict(&self) -> Option<Verdict> {
        let expected = self.budgeted(Some(budgets::commands(self.cost.class)))?;
        Some(if self.commands? == expected { Verdict::Met } else { Verdict::Missed })
    }

    /// Returns all verdicts.
    pub fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        [self.ratio_verdict(), self.allocation_verdict(), self.command_verdict()].into_iter().flatten()
    }

    fn budgeted<T>(&self, budget: Option<T>) -> Option<T> {
        budget.filter(|_| self.cost.contestant.is_ours())
    }
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { contestant, class, payload, allocations, .. } = self.cost;
        write!(f, "{}, {}, {}, ", contestant.framework.name(), contestant.store.name(), contestant.name)?;
        write!(f, "{}, {}:", class.name(), payload.name())?;
        if let (Some(ratio), Some(budget)) = (self.ratio(), self.ratio_budget()) {
            write!(f, " ratio {ratio:.2} of {budget}")?;
        }
        if let Some(budget) = self.allocation_budget() {
            write!(f, " {allocations} allocations of {budget}")?;
        }
        if let Some(commands) = self.commands {
            write!(f, " {commands} commands of {}", budgets::commands(*class))?;
        }
        Ok(())
    }
}

fn rival<'a>(cost: &Cost, costs: &'a [Cost]) -> Option<&'a Cost> {
    let Contestant { framework, store, .. } = cost.contestant;
    let is_budget_of_redis = store == Store::Redis && matches!(cost.class, Class::Read | Class::Write);
    let is_rival = |other: &&Cost| {
        let is_kind = other.class == cost.class && other.payload == cost.payload && other.contestant.store == store;
        is_kind
            && if is_budget_of_redis {
                other.contestant.role == Role::Yardstick
            } else {
                other.contestant.is_peer() && other.contestant.framework == framework
            }
    };
    costs.iter().filter(is_rival).min_by(|one, other| one.overhead.median.total_cmp(&other.overhead.median))
}
