//! The budget of a row.

use std::fmt;

#[derive(Clone, Copy)]
#[allow(dead_code, reason = "each program has one kind")]
pub(crate) enum Budget {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Holds,
    /// Another run may give the other result.
    Unclear,
    Missed,
}

/// The distance to the budget within which a figure is unclear.
const MARGIN: f64 = 0.1;

impl Budget {
    pub(crate) fn judge(self, figure: f64) -> Verdict {
        let used = match self {
            Self::AtMost(limit) => figure / limit,
            Self::AtLeast(limit) => limit / figure,
        };
        if used < 1.0 - MARGIN {
            Verdict::Holds
        } else if used <= 1.0 + MARGIN {
            Verdict::Unclear
        } else {
            Verdict::Missed
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "at most {limit}"),
            Self::AtLeast(limit) => write!(f, "at least {limit}"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds",
            Self::Unclear => "unclear",
            Self::Missed => "MISSED",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Verdict};

    #[test]
    fn what_is_within_a_tenth_is_unclear() {
        for (budget, figure, verdict) in [
            (Budget::AtMost(2.0), 1.7, Verdict::Holds),
            (Budget::AtMost(2.0), 1.9, Verdict::Unclear),
            (Budget::AtMost(2.0), 2.1, Verdict::Unclear),
            (Budget::AtMost(2.0), 2.3, Verdict::Missed),
            (Budget::AtLeast(0.5), 0.6, Verdict::Holds),
            (Budget::AtLeast(0.5), 0.52, Verdict::Unclear),
            (Budget::AtLeast(0.5), 0.47, Verdict::Unclear),
            (Budget::AtLeast(0.5), 0.4, Verdict::Missed),
            (Budget::AtLeast(0.5), f64::NAN, Verdict::Missed),
        ] {
            assert_eq!(budget.judge(figure), verdict, "{figure}, {budget}");
        }
    }
}
