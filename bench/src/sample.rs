//! Time a thing several times and keep what is typical.

use std::time::{Duration, Instant};

/// Seconds, ascending; never empty.
#[derive(Debug, Clone)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    /// What `round` says it took, without the first time, which warms caches and branches up.
    pub fn of(rounds: usize, mut round: impl FnMut() -> Duration) -> Self {
        round();
        Self::from_times((0..rounds).map(|_| round()))
    }

    /// How long `work` takes.
    pub fn timed<T>(rounds: usize, mut work: impl FnMut() -> T) -> Self {
        Self::of(rounds, || timed(&mut work).1)
    }

    /// Times that were taken elsewhere.
    pub fn from_times(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut seconds: Vec<_> = times.into_iter().map(|time| time.as_secs_f64()).collect();
        seconds.sort_by(f64::total_cmp);
        assert!(!seconds.is_empty(), "a sample has at least one round");
        Self(seconds)
    }

    /// Seconds that half of the rounds stay below.
    pub fn median(&self) -> f64 {
        self.at(50)
    }

    /// Seconds that so many per cent of the rounds stay below.
    pub fn at(&self, percent: usize) -> f64 {
        self.0[((self.0.len() - 1) * percent + 50) / 100]
    }
}

/// What `work` gives, and how long it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = std::hint::black_box(work());
    (done, begun.elapsed())
}

#[cfg(test)]
mod tests {
    use super::Sample;
    use std::time::Duration;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        let sample = Sample::from_times([9, 1, 5, 2, 7].map(Duration::from_secs));
        let found = [sample.at(0), sample.median(), sample.at(100)].map(Duration::from_secs_f64);
        assert_eq!(found, [1, 5, 9].map(Duration::from_secs));
    }

    #[test]
    fn the_first_round_is_left_out() {
        let mut times = [100, 1, 2, 3].into_iter().map(Duration::from_secs);
        let sample = Sample::of(3, || times.next().unwrap_or_default());
        assert!(sample.at(100) < 4.0);
    }
}
