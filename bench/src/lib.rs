//! Measure against the machine's own limits and print ratios.
