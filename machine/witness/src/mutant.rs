//! Rules that the model check breaks, one at a time, to see that it would notice. Nothing of this is in a build.

/// A rule left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Precommits a round that it has left.
    OlderPrecommit,
    /// Prevotes with the era's anchor as source, whatever it precommitted.
    OldSource,
    /// Takes two thirds for a quorum.
    TwoThirds,
    /// Sends a vote before it is on disk.
    SendFirst,
    /// Lets an era's votes reach above its last height.
    NoBoundary,
}
