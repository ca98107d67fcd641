//! Every instruction, once: byte, arguments, base gas, what it may not do, who carries it out.
//!
//! Adding one means a row here and its function. The last column says where the function is; rows after `illegal` are
//! known only so that the loader can name what it refuses. `end`: ends a block. `outside`: acts on more than its own
//! contract, which a run that checks a signature may not (`both`: end and outside).
//!
//! Without vectors of the reference: BLS12_381_*, *_SECP256K1, CLONE_G, AUTH_TX, DBG_*. They are held to published
//! vectors and cases of our own.

use super::{
    arithmetic as ar, bits as bi, bytes as by, chain as ch, comparison as co, control as ct, create as cr,
    crypto as ry, curves as cu, environment as en, lists as li, maps as ma, memory as me, remote as re, strings as st,
    tuples as tu, variants as va,
};
use crate::{
    code::Operand,
    engine::{Flow, Host, Run, Step, Tracer},
};

/// What an argument has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// Where the result goes: stack or register.
    To,
    /// Stack, register or immediate.
    Any,
    /// An immediate function name.
    Name,
    /// The immediate number of a block.
    Block,
    /// An immediate list of blocks.
    Blocks,
    /// An immediate number of values.
    Size,
}

/// What is known of an instruction without running it.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// Its name in disassembled code.
    pub name: &'static str,
    /// What its arguments have to be.
    pub arguments: &'static [Argument],
    /// Gas before anything else.
    pub gas: u32,
    /// Whether it ends a block.
    pub ends: bool,
    /// Whether it acts on more than its own contract.
    pub outside: bool,
}

/// What stands at a byte of the table.
#[derive(Debug, Clone, Copy)]
pub enum Row {
    /// An instruction.
    Legal(Op),
    /// An instruction of the reference that does not exist here.
    Illegal(&'static str),
    /// Nothing.
    Unknown,
}

macro_rules! ops {
    ($($name:ident = $byte:literal [$($argument:ident)*] $gas:literal $($flag:ident)?, $module:ident::$function:ident;)+
     => illegal: $($old:ident = $old_byte:literal;)+) => {
        /// An instruction's number.
        #[allow(non_camel_case_types, missing_docs, clippy::upper_case_acronyms)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Op { $($name = $byte,)+ }

        /// All instructions.
        pub const ALL: &[Op] = &[$(Op::$name,)+];

        /// All bytes and names that the loader refuses though the reference knows them.
        pub const ILLEGAL: &[(u8, &str)] = &[$(($old_byte, stringify!($old)),)+];

        /// What stands at this byte.
        pub const fn row(byte: u8) -> Row {
            match byte {
                $($byte => Row::Legal(Op::$name),)+
                $($old_byte => Row::Illegal(stringify!($old)),)+
                _ => Row::Unknown,
            }
        }

        impl Op {
            /// What is known of it.
            pub const fn info(self) -> Info {
                match self {
                    $(Self::$name => Info {
                        name: stringify!($name),
                        arguments: &[$(Argument::$argument,)*],
                        gas: $gas,
                        ends: flag_ends(&[$(stringify!($flag))?]),
                        outside: flag_outside(&[$(stringify!($flag))?]),
                    },)+
                }
            }
        }

        /// Carry out one instruction.
        #[inline]
        pub fn dispatch<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, op: Op, args: &[Operand]) -> Step<Flow, H> {
            match op {
                $(Op::$name => $module::$function(run, args),)+
            }
        }
    };
}

const fn flag_ends(flags: &[&str]) -> bool {
    matches!(flags, [flag] if matches!(flag.as_bytes(), b"end" | b"both"))
}

const fn flag_outside(flags: &[&str]) -> bool {
    matches!(flags, [flag] if matches!(flag.as_bytes(), b"outside" | b"both"))
}

ops! {
    RETURN = 0x00 [] 10 end, ct::finish;
    RETURNR = 0x01 [Any] 10 end, ct::finish_with;
    CALL = 0x02 [Any] 10 end, ct::call;
    CALL_R = 0x03 [Any Name Any Any Any] 100 both, re::call;
    CALL_T = 0x04 [Any] 10 end, ct::tail_call;
    CALL_GR = 0x05 [Any Name Any Any Any Any] 100 both, re::call_capped;
    JUMP = 0x06 [Block] 10 end, ct::jump;
    JUMPIF = 0x07 [Any Block] 10 end, ct::jump_if;
    SWITCH_V2 = 0x08 [Any Block Block] 10 end, ct::switch;
    SWITCH_V3 = 0x09 [Any Block Block Block] 10 end, ct::switch;
    SWITCH_VN = 0x0a [Any Blocks] 10 end, ct::switch_many;
    CALL_VALUE = 0x0b [To] 10, en::call_value;
    PUSH = 0x0c [Any] 10, me::push;
    DUPA = 0x0d [] 10, me::duplicate_top;
    DUP = 0x0e [Any] 10, me::duplicate;
    POP = 0x0f [To] 10, me::pop;
    INCA = 0x10 [] 10, ar::increment_top;
    INC = 0x11 [To] 10, ar::increment;
    DECA = 0x12 [] 10, ar::decrement_top;
    DEC = 0x13 [To] 10, ar::decrement;
    ADD = 0x14 [To Any Any] 10, ar::add;
    SUB = 0x15 [To Any Any] 10, ar::sub;
    MUL = 0x16 [To Any Any] 10, ar::mul;
    DIV = 0x17 [To Any Any] 10, ar::div;
    MOD = 0x18 [To Any Any] 10, ar::modulo;
    POW = 0x19 [To Any Any] 10, ar::pow;
    STORE = 0x1a [To Any] 10, me::store;
    SHA3 = 0x1b [To Any] 100, ry::sha3;
    SHA256 = 0x1c [To Any] 100, ry::sha256;
    BLAKE2B = 0x1d [To Any] 100, ry::blake2b;
    LT = 0x1e [To Any Any] 10, co::less;
    GT = 0x1f [To Any Any] 10, co::greater;
    EQ = 0x20 [To Any Any] 10, co::equal;
    ELT = 0x21 [To Any Any] 10, co::at_most;
    EGT = 0x22 [To Any Any] 10, co::at_least;
    NEQ = 0x23 [To Any Any] 10, co::different;
    AND = 0x24 [To Any Any] 10, co::and;
    OR = 0x25 [To Any Any] 10, co::or;
    NOT = 0x26 [To Any] 10, co::not;
    TUPLE = 0x27 [To Size] 10, tu::tuple;
    ELEMENT = 0x28 [To Any Any] 10, tu::element;
    SETELEMENT = 0x29 [To Any Any Any] 10, tu::set_element;
    MAP_EMPTY = 0x2a [To] 10, ma::empty;
    MAP_LOOKUP = 0x2b [To Any Any] 10, ma::lookup;
    MAP_LOOKUPD = 0x2c [To Any Any Any] 10, ma::lookup_or;
    MAP_UPDATE = 0x2d [To Any Any Any] 10, ma::update;
    MAP_DELETE = 0x2e [To Any Any] 10, ma::delete;
    MAP_MEMBER = 0x2f [To Any Any] 10, ma::member;
    MAP_FROM_LIST = 0x30 [To Any] 10, ma::from_list;
    MAP_SIZE = 0x31 [To Any] 10, ma::size;
    MAP_TO_LIST = 0x32 [To Any] 10, ma::to_list;
    IS_NIL = 0x33 [To Any] 10, li::is_nil;
    CONS = 0x34 [To Any Any] 10, li::cons;
    HD = 0x35 [To Any] 10, li::head;
    TL = 0x36 [To Any] 10, li::tail;
    LENGTH = 0x37 [To Any] 10, ct::retired;
    NIL = 0x38 [To] 10, li::nil;
    APPEND = 0x39 [To Any Any] 10, li::append;
    STR_JOIN = 0x3a [To Any Any] 10, st::join;
    INT_TO_STR = 0x3b [To Any] 100, st::from_int;
    ADDR_TO_STR = 0x3c [To Any] 100, st::from_address;
    STR_REVERSE = 0x3d [To Any] 100, st::reverse;
    STR_LENGTH = 0x3e [To Any] 10, st::length;
    BYTES_TO_INT = 0x3f [To Any] 10, by::to_int;
    BYTES_TO_STR = 0x40 [To Any] 100, by::to_string;
    BYTES_CONCAT = 0x41 [To Any Any] 10, by::concat;
    BYTES_SPLIT = 0x42 [To Any Any] 10, by::split;
    INT_TO_ADDR = 0x43 [To Any] 10, ct::retired;
    VARIANT = 0x44 [To Any Any Any] 10, va::variant;
    VARIANT_TEST = 0x45 [To Any Any] 10, va::test;
    VARIANT_ELEMENT = 0x46 [To Any Any] 10, va::element;
    BITS_NONEA = 0x47 [] 10, bi::none_top;
    BITS_NONE = 0x48 [To] 10, bi::none;
    BITS_ALLA = 0x49 [] 10, bi::all_top;
    BITS_ALL = 0x4a [To] 10, bi::all;
    BITS_ALL_N = 0x4b [To Any] 10, bi::all_below;
    BITS_SET = 0x4c [To Any Any] 10, bi::set;
    BITS_CLEAR = 0x4d [To Any Any] 10, bi::clear;
    BITS_TEST = 0x4e [To Any Any] 10, bi::test;
    BITS_SUM = 0x4f [To Any] 10, bi::sum;
    BITS_OR = 0x50 [To Any Any] 10, bi::or;
    BITS_AND = 0x51 [To Any Any] 10, bi::and;
    BITS_DIFF = 0x52 [To Any Any] 10, bi::difference;
    BALANCE = 0x53 [To] 10, ch::balance;
    ORIGIN = 0x54 [To] 10, en::origin;
    CALLER = 0x55 [To] 10, en::caller;
    BLOCKHASH = 0x56 [To Any] 1000, ch::block_hash;
    BENEFICIARY = 0x57 [To] 10, en::beneficiary;
    TIMESTAMP = 0x58 [To] 10, en::timestamp;
    GENERATION = 0x59 [To] 10, en::generation;
    MICROBLOCK = 0x5a [To] 10, ct::retired;
    DIFFICULTY = 0x5b [To] 10, en::difficulty;
    GASLIMIT = 0x5c [To] 10, en::gas_limit;
    GAS = 0x5d [To] 10, en::gas;
    ADDRESS = 0x5e [To] 10, en::address;
    GASPRICE = 0x5f [To] 10, en::gas_price;
    LOG0 = 0x60 [Any] 1000, ch::log;
    LOG1 = 0x61 [Any Any] 1100, ch::log;
    LOG2 = 0x62 [Any Any Any] 1200, ch::log;
    LOG3 = 0x63 [Any Any Any Any] 1300, ch::log;
    LOG4 = 0x64 [Any Any Any Any Any] 1400, ch::log;
    SPEND = 0x65 [Any Any] 5000 outside, ch::spend;
    BALANCE_OTHER = 0x73 [To Any] 2000, ch::balance_of;
    VERIFY_SIG = 0x74 [To Any Any Any] 1300, ry::verify_signature;
    VERIFY_SIG_SECP256K1 = 0x75 [To Any Any Any] 1300, ry::verify_secp256k1;
    CONTRACT_TO_ADDRESS = 0x76 [To Any] 10, en::contract_to_address;
    AUTH_TX_HASH = 0x77 [To] 10, en::auth_tx_hash;
    IS_ORACLE = 0x7a [To Any] 100 outside, ch::is_oracle;
    IS_CONTRACT = 0x7b [To Any] 100 outside, ch::is_contract;
    IS_PAYABLE = 0x7c [To Any] 100 outside, ch::is_payable;
    CREATOR = 0x7d [To] 10, ch::creator;
    ECVERIFY_SECP256K1 = 0x7e [To Any Any Any] 1300, ry::verify_ethereum;
    ECRECOVER_SECP256K1 = 0x7f [To Any Any] 1300, ry::recover_ethereum;
    ADDRESS_TO_CONTRACT = 0x80 [To Any] 10, en::address_to_contract;
    BLS12_381_G1_NEG = 0x81 [To Any] 100, cu::g1_neg;
    BLS12_381_G1_NORM = 0x82 [To Any] 100, cu::g1_normalize;
    BLS12_381_G1_VALID = 0x83 [To Any] 2000, cu::g1_valid;
    BLS12_381_G1_IS_ZERO = 0x84 [To Any] 30, cu::g1_is_zero;
    BLS12_381_G1_ADD = 0x85 [To Any Any] 100, cu::g1_add;
    BLS12_381_G1_MUL = 0x86 [To Any Any] 1000, cu::g1_mul;
    BLS12_381_G2_NEG = 0x87 [To Any] 100, cu::g2_neg;
    BLS12_381_G2_NORM = 0x88 [To Any] 100, cu::g2_normalize;
    BLS12_381_G2_VALID = 0x89 [To Any] 2000, cu::g2_valid;
    BLS12_381_G2_IS_ZERO = 0x8a [To Any] 30, cu::g2_is_zero;
    BLS12_381_G2_ADD = 0x8b [To Any Any] 100, cu::g2_add;
    BLS12_381_G2_MUL = 0x8c [To Any Any] 1000, cu::g2_mul;
    BLS12_381_GT_INV = 0x8d [To Any] 100, cu::gt_inv;
    BLS12_381_GT_ADD = 0x8e [To Any Any] 100, cu::gt_add;
    BLS12_381_GT_MUL = 0x8f [To Any Any] 100, cu::gt_mul;
    BLS12_381_GT_POW = 0x90 [To Any Any] 2000, cu::gt_pow;
    BLS12_381_GT_IS_ONE = 0x91 [To Any] 30, cu::gt_is_one;
    BLS12_381_PAIRING = 0x92 [To Any Any] 12000, cu::pairing;
    BLS12_381_MILLER_LOOP = 0x93 [To Any Any] 5000, cu::miller_loop;
    BLS12_381_FINAL_EXP = 0x94 [To Any] 7000, cu::final_exp;
    BLS12_381_INT_TO_FR = 0x95 [To Any] 30, cu::int_to_fr;
    BLS12_381_INT_TO_FP = 0x96 [To Any] 30, cu::int_to_fp;
    BLS12_381_FR_TO_INT = 0x97 [To Any] 30, cu::fr_to_int;
    BLS12_381_FP_TO_INT = 0x98 [To Any] 30, cu::fp_to_int;
    AUTH_TX = 0x9b [To] 100, en::auth_tx;
    STR_TO_LIST = 0x9c [To Any] 100, st::to_list;
    STR_FROM_LIST = 0x9d [To Any] 100, st::from_list;
    STR_TO_UPPER = 0x9e [To Any] 100, st::to_upper;
    STR_TO_LOWER = 0x9f [To Any] 100, st::to_lower;
    CHAR_TO_INT = 0xa0 [To Any] 10, st::char_to_int;
    CHAR_FROM_INT = 0xa1 [To Any] 10, st::char_from_int;
    CALL_PGR = 0xa2 [Any Name Any Any Any Any Any] 100 both, re::call_protected;
    CREATE = 0xa3 [Any Any Any] 10000 both, cr::create;
    CLONE = 0xa4 [Any Any Any Any] 5000 both, cr::clone;
    CLONE_G = 0xa5 [Any Any Any Any Any] 5000 both, cr::clone_capped;
    BYTECODE_HASH = 0xa6 [To Any] 100, ch::bytecode_hash;
    FEE = 0xa7 [To] 10, en::fee;
    ADDRESS_TO_BYTES = 0xa8 [To Any] 10, by::from_address;
    POSEIDON = 0xa9 [To Any Any] 6000, ry::poseidon;
    MULMOD = 0xaa [To Any Any Any] 10, ar::mul_mod;
    BAND = 0xab [To Any Any] 10, ar::bit_and;
    BOR = 0xac [To Any Any] 10, ar::bit_or;
    BXOR = 0xad [To Any Any] 10, ar::bit_xor;
    BNOT = 0xae [To Any] 10, ar::bit_not;
    BSL = 0xaf [To Any Any] 10, ar::shift_left;
    BSR = 0xb0 [To Any Any] 10, ar::shift_right;
    BYTES_SPLIT_ANY = 0xb1 [To Any Any] 10, by::split_any;
    BYTES_SIZE = 0xb2 [To Any] 10, by::size;
    BYTES_TO_FIXED_SIZE = 0xb3 [To Any Any] 10, by::to_fixed_size;
    INT_TO_BYTES = 0xb4 [To Any Any] 10, by::from_int;
    STR_TO_BYTES = 0xb5 [To Any] 10, by::from_string;
    NETWORK_ID = 0xb6 [To] 10, en::network_id;
    DBG_LOC = 0xf0 [Any Any] 0, ct::ignore;
    DBG_DEF = 0xf1 [Any Any] 0, ct::ignore;
    DBG_UNDEF = 0xf2 [Any Any] 0, ct::ignore;
    DBG_CONTRACT = 0xf3 [Any] 0, ct::ignore;
    DEACTIVATE = 0xfa [] 10, ct::retired;
    ABORT = 0xfb [Any] 10 end, ct::abort;
    EXIT = 0xfc [Any] 10 end, ct::exit;
    NOP = 0xfd [] 1, ct::ignore;

    => illegal:
    ORACLE_REGISTER = 0x66;
    ORACLE_QUERY = 0x67;
    ORACLE_RESPOND = 0x68;
    ORACLE_EXTEND = 0x69;
    ORACLE_GET_ANSWER = 0x6a;
    ORACLE_GET_QUESTION = 0x6b;
    ORACLE_QUERY_FEE = 0x6c;
    AENS_RESOLVE = 0x6d;
    AENS_PRECLAIM = 0x6e;
    AENS_CLAIM = 0x6f;
    AENS_UPDATE = 0x70;
    AENS_TRANSFER = 0x71;
    AENS_REVOKE = 0x72;
    ORACLE_CHECK = 0x78;
    ORACLE_CHECK_QUERY = 0x79;
    AENS_LOOKUP = 0x99;
    ORACLE_EXPIRY = 0x9a;
}
