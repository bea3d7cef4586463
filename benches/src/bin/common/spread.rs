//! A figure of several rounds.

use std::fmt;

/// The median of the rounds, with the lowest and the highest.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// Returns the median of at least one round.
    pub(crate) fn of(rounds: &[f64]) -> Self {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (middle, last) = (sorted.len() / 2, sorted.len() - 1);
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Self { low: sorted[0], median, high: sorted[last] }
    }

    /// Returns the ratios to the base's figures of the same rounds: what slows a whole round down cancels out.
    pub(crate) fn of_ratios(rounds: &[f64], base: &[f64]) -> Self {
        let ratios: Vec<_> = rounds.iter().zip(base).map(|(figure, base)| figure / base).collect();
        Self::of(&ratios)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { low, median, high } = *self;
        // About three digits, because the rounds differ by more.
        let digits = match median.abs() {
            100.0.. => 0,
            10.0.. => 1,
            1.0.. => 2,
            _ => 3,
        };
        write!(f, "{median:.digits$} ({low:.digits$} to {high:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_median_is_the_middle_or_between_the_middle_two() {
        for (rounds, shown) in [
            (&[3.0][..], "3.00 (3.00 to 3.00)"),
            (&[300.0, 100.0, 200.0], "200 (100 to 300)"),
            (&[4.0, 1.0, 2.0, 3.0], "2.50 (1.00 to 4.00)"),
        ] {
            assert_eq!(Spread::of(rounds).to_string(), shown);
        }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        assert_eq!(Spread::of_ratios(&[1.0, 20.0, 300.0], &[2.0, 20.0, 200.0]).to_string(), "1.00 (0.50 to 1.50)");
    }
}
