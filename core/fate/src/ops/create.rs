//! New contracts: of code that the contract carries, or of another contract's.

use super::{expected, operands, read_object};
use crate::{
    Type, Value,
    code::{INIT, Operand, load},
    engine::{Created, Flow, Host, NewCode, Reason, RemoteCall, Run, Step, Tracer, Trap},
    gas,
    value::{Blob, Kind, count},
};

/// What is asked for, besides the code.
struct Order {
    arguments: Value,
    amount: Value,
    cap: Option<Value>,
    protected: bool,
}

enum Source {
    Own(Blob),
    Other([u8; 32]),
}

pub fn create<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [code, arguments, amount] = operands(args)?;
    let Value::Code(code) = run.read(code)? else { return Err(expected("byte code")) };
    let (arguments, amount) = (run.read(arguments)?, run.read(amount)?);
    run.meter.spend(count(code.len()).saturating_mul(gas::CODE_BYTE))?;
    deploy(run, &Source::Own(code), Order { arguments, amount, cap: None, protected: false })
}

pub fn clone<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [contract, arguments, amount, protected] = operands(args)?;
    let contract = read_object(run, contract, Kind::Contract, "a contract")?;
    let (arguments, amount) = (run.read(arguments)?, run.read(amount)?);
    let protected = super::remote::flag(run, protected)?;
    deploy(run, &Source::Other(contract), Order { arguments, amount, cap: None, protected })
}

pub fn clone_capped<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [contract, arguments, amount, cap, protected] = operands(args)?;
    let contract = read_object(run, contract, Kind::Contract, "a contract")?;
    let (arguments, amount, cap) = (run.read(arguments)?, run.read(amount)?, run.read(cap)?);
    let protected = super::remote::flag(run, protected)?;
    deploy(run, &Source::Other(contract), Order { arguments, amount, cap: Some(cap), protected })
}

/// Make the contract, give it its coins, run its `init`, whose call value is 0.
fn deploy<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, source: &Source, order: Order) -> Step<Flow, H> {
    let amount = crate::engine::amount(&order.amount)?;
    let me = run.contract;
    if run.host.balance(&me).map_err(Trap::Fault)? < amount {
        return Err(Reason::Refused(crate::engine::Refused::Funds).into());
    }
    let mark = run.host.mark();
    let contract = match source {
        Source::Own(object) => {
            let payable = load(object).map_err(|why| Reason::Code(alloc::boxed::Box::new(why)))?.payable;
            run.host.create(&me, NewCode::Own { object, payable }, amount)
        }
        Source::Other(original) => {
            if run.host.code(original).map_err(Trap::Fault)?.is_none() {
                return Err(Reason::NoContract.into());
            }
            run.host.create(&me, NewCode::CloneOf(original), amount)
        }
    };
    let contract = contract.map_err(Trap::Fault)?;
    crate::store::begin(run.host, &contract).map_err(Trap::Fault)?;
    let call = RemoteCall {
        contract: Value::contract(&contract),
        function: INIT,
        arguments: order.arguments,
        result: Value::of_type(Type::Tuple(alloc::vec::Vec::new())),
        amount: Value::Int(0),
        cap: order.cap,
        protected: order.protected,
    };
    run.call_remote(&call, Some(Created { contract, mark }))
}
