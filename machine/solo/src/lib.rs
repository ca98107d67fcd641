//! Order a child ledger by one operator.
