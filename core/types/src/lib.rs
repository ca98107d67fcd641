//! Parse, print and encode the values: ids, amounts, heights, RLP, checked text.
