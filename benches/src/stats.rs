//! Medians, and the spread around them.

/// The median of some values, and their spread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// The median.
    pub median: f64,
    /// The median distance from the median.
    pub spread: f64,
}

impl Estimate {
    /// Returns the median and the spread of these values. Without values, they are not numbers.
    pub fn of(values: &[f64]) -> Self {
        let median = median(values.to_vec());
        let distances = values.iter().map(|value| (value - median).abs()).collect();
        Self { median, spread: self::median(distances) }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.get(middle) {
        None => f64::NAN,
        Some(upper) if values.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(values[middle - 1], *upper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let estimate = |values: &[f64]| {
            let Estimate { median, spread } = Estimate::of(values);
            (median, spread)
        };
        assert_eq!(estimate(&[5.0]), (5.0, 0.0));
        assert_eq!(estimate(&[9.0, 1.0, 2.0]), (2.0, 1.0));
        assert_eq!(estimate(&[4.0, 1.0, 2.0, 100.0]), (3.0, 1.5));
        assert!(Estimate::of(&[]).median.is_nan());
    }
}
