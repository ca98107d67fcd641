//! What a program may not exceed. A limit that is hit is an error of the contract; in the loader it is bad code.

/// Bytes of a code object.
pub const CODE_BYTES_MAX: usize = 128 * 1024;
/// Functions of one code.
pub const FUNCTIONS_MAX: usize = 4096;
/// Blocks of one function.
pub const BLOCKS_MAX: usize = 65_536;
/// Registers, arguments included, that one function names. Bounds what a call sets aside.
pub const REGISTERS_MAX: usize = 4096;
/// Store registers have numbers below this.
pub const STORE_REGISTER_MAX: u32 = u32::MAX;
/// Local calls that have not returned.
pub const LOCAL_FRAMES_MAX: usize = 8192;
/// Remote calls that have not returned.
pub const REMOTE_FRAMES_MAX: usize = 256;
/// Values on the stack, registers included, over all frames.
pub const STACK_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a value that enters, leaves or is stored.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;
/// Values inside values, where a value is decoded, encoded, compared or checked against a type.
pub const VALUE_DEPTH_MAX: u32 = 256;
/// Nodes of a map's key that come with the price of the instruction. The reference finds any key for the same gas, though
/// it has to be compared with others; a key that holds more pays for a walk over it.
pub const KEY_NODES_FREE: u64 = 64;
/// Bytes of a map's key that come with the price of the instruction.
pub const KEY_BYTES_FREE: u64 = 1024;
/// Bytes that a comparison compares for the price of its nodes. More pay as they do where a walk fetches from the store:
/// one long string, mentioned many times on both sides, would be compared as often for nothing.
pub const COMPARED_BYTES_FREE: u64 = 65_536;
/// Bits of an integer. Larger is out of gas before it is computed.
pub const INT_BITS_MAX: u64 = 1_048_576;
/// Events of one run.
pub const LOGS_PER_RUN_MAX: usize = 4096;
/// Bytes of loaded code that an engine keeps unless told otherwise. Never changes a result.
pub const CODE_CACHE_BYTES: usize = 64 * 1024 * 1024;
/// Rounds in which write-back looks for maps to update in place.
pub const REUSE_ROUNDS_MAX: usize = 100;
