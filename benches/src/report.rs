//! Every cost beside the best peer's, and beside its budget.

use std::fmt;

use crate::{
    budgets::{self, Verdict},
    classes::Class,
    contestants::{Contestant, Role, Store},
    measure::Cost,
};

/// A cost of ours with what it is compared to.
pub struct Row<'a> {
    /// What it costs.
    pub cost: &'a Cost,
    /// The peer with the lowest cost on this framework and store; in Redis, the bare commands where a budget is about them.
    pub rival: Option<&'a Cost>,
    /// What it sends to Redis.
    pub commands: Option<usize>,
}

impl<'a> Row<'a> {
    /// Each cost of ours among `costs`. `commands` counts what a request sends to Redis.
    pub fn all(costs: &'a [Cost], commands: impl Fn(&Cost) -> Option<usize>) -> Vec<Self> {
        let is_ours = |cost: &&Cost| matches!(cost.contestant.role, Role::Ours | Role::OursBeside);
        let row = |cost| Self { cost, rival: rival(cost, costs), commands: commands(cost) };
        costs.iter().filter(is_ours).map(row).collect()
    }

    /// This cost as a part of the rival's.
    pub fn ratio(&self) -> Option<f64> {
        self.rival.map(|rival| self.cost.overhead.median / rival.overhead.median)
    }

    /// The ratio that is allowed.
    pub fn ratio_budget(&self) -> Option<f64> {
        let Contestant { framework, store, .. } = self.cost.contestant;
        self.budgeted(budgets::ratio(framework, store, self.cost.class, self.cost.payload))
    }

    /// How many allocations are allowed.
    pub fn allocation_budget(&self) -> Option<i64> {
        let Contestant { framework, store, .. } = self.cost.contestant;
        self.budgeted(budgets::allocations(framework, store, self.cost.class))
    }

    /// What came of the time's budget.
    pub fn ratio_verdict(&self) -> Option<Verdict> {
        Some(Verdict::of_ratio(self.ratio()?, self.ratio_budget()?))
    }

    /// What came of the budget of allocations.
    pub fn allocation_verdict(&self) -> Option<Verdict> {
        Some(Verdict::of_count(self.cost.allocations, self.allocation_budget()?))
    }

    /// Whether it sends as many commands as it must.
    pub fn command_verdict(&self) -> Option<Verdict> {
        let expected = self.budgeted(Some(budgets::commands(self.cost.class)))?;
        Some(if self.commands? == expected { Verdict::Met } else { Verdict::Missed })
    }

    /// All that was judged.
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
