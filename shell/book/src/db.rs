//! One connection to a database, SQLite or PostgreSQL: the same statements, with what differs filled in.
//!
//! In a statement `~name` is one of our tables, `@n` a sum as parameter n and `#column` a sum that is read; `{…}` are types.
//! Sums are 16 bytes, big-endian, in SQLite, which has no integers so wide, and `NUMERIC(39,0)` in PostgreSQL.

use std::{path::Path, str::FromStr as _};

use banyan_types::Amount;
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Executor as _, PgConnection, Row as _, SqliteConnection,
    TypeInfo as _,
    postgres::{PgConnectOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};
use tokio::runtime::Runtime;

use crate::Ours;

/// Milliseconds that SQLite waits for another writer.
const BUSY_MS: u64 = 10_000;

/// A parameter of a statement.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    Int(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    /// A sum, or a change of one.
    Sum(i128),
    /// Nothing, where a number could be.
    NoInt,
}

/// A column of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    Null,
}

impl Cell {
    pub fn int(&self) -> Result<u64, Ours> {
        match self {
            Self::Int(int) => u64::try_from(*int).map_err(|_| broken("a negative number")),
            _ => Err(broken("a number was expected")),
        }
    }

    pub fn bytes(&self) -> Result<&[u8], Ours> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(broken("bytes were expected")),
        }
    }

    pub fn text(&self) -> Result<&str, Ours> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(broken("a text was expected")),
        }
    }

    /// A sum, or a change of one.
    pub fn sum(&self) -> Result<i128, Ours> {
        let sum = match self {
            Self::Bytes(bytes) => <[u8; 16]>::try_from(&bytes[..]).ok().map(i128::from_be_bytes),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        };
        sum.ok_or_else(|| broken("a sum was expected"))
    }
}

pub fn broken(what: &str) -> Ours {
    Ours::Broken(what.into())
}

/// An amount as a sum.
pub fn sum(amount: Amount) -> Result<i128, Ours> {
    i128::try_from(amount.base()).map_err(|_| broken("an amount above the supply"))
}

/// A sum as an amount.
pub fn amount(sum: i128) -> Result<Amount, Ours> {
    let base = u128::try_from(sum).ok().and_then(Amount::new);
    base.ok_or_else(|| broken("a balance outside the supply"))
}

enum Engine {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

/// A connection.
pub struct Db {
    engine: Engine,
    runtime: Runtime,
    /// What our tables' names begin with.
    prefix: &'static str,
    /// Moments since it was opened, one before and one after each statement, and the one to break off at.
    count: u64,
    break_at: Option<u64>,
}

impl Db {
    /// Open `postgres://…`, or a file of SQLite: `sqlite://PATH`, or its path.
    pub fn open(url: &str, prefix: &'static str) -> Result<Self, Ours> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Ours::Settings(error.to_string()))?;
        let engine = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url)?;
            Engine::Postgres(Box::new(runtime.block_on(PgConnection::connect_with(&options))?))
        } else {
            let path = Path::new(url.strip_prefix("sqlite://").unwrap_or(url));
            let options = SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(std::time::Duration::from_millis(BUSY_MS));
            Engine::Sqlite(Box::new(runtime.block_on(SqliteConnection::connect_with(&options))?))
        };
        Ok(Self { engine, runtime, prefix, count: 0, break_at: None })
    }

    /// Fail at the moment of this number, counted from 1 from now on: there is one before and one after each statement.
    pub fn break_at(&mut self, moment: Option<u64>) {
        (self.count, self.break_at) = (0, moment);
    }

    /// Moments since [`Self::break_at`], or since it was opened.
    pub const fn moments(&self) -> u64 {
        self.count
    }

    pub const fn is_postgres(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// Run `work` as one transaction: all of it is written, or nothing.
    pub fn transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Ours>) -> Result<T, Ours> {
        // Two writers of one SQLite file wait for each other here, and not half way.
        self.execute(if self.is_postgres() { "BEGIN" } else { "BEGIN IMMEDIATE" }, &[])?;
        match work(self) {
            Ok(done) => {
                self.execute("COMMIT", &[])?;
                Ok(done)
            }
            // Nobody is there any more to say so: the database undoes it when the connection is gone.
            Err(error @ Ours::BrokenOff(_)) => Err(error),
            Err(error) => {
                let _ = self.execute("ROLLBACK", &[]);
                Err(error)
            }
        }
    }

    /// Run a statement; the number of rows that it touched.
    pub fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, Ours> {
        self.execute_as_is(self.filled(sql), values)
    }

    /// Run a statement of the bank's own; the number of rows that it touched.
    pub fn execute_as_is(&mut self, sql: String, values: &[Value<'_>]) -> Result<u64, Ours> {
        self.count_up()?;
        let runtime = &self.runtime;
        let touched = match &mut self.engine {
            Engine::Sqlite(connection) => {
                runtime.block_on(connection.execute(with_sqlite(sql, values)))?.rows_affected()
            }
            Engine::Postgres(connection) if values.is_empty() => {
                runtime.block_on(connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))))?.rows_affected()
            }
            Engine::Postgres(connection) => {
                runtime.block_on(connection.execute(with_postgres(sql, values)))?.rows_affected()
            }
        };
        self.count_up()?;
        Ok(touched)
    }

    /// The rows that a statement gives.
    pub fn rows(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Vec<Cell>>, Ours> {
        self.rows_as_is(self.filled(sql), values)
    }

    /// The rows that a statement of the bank's own gives.
    pub fn rows_as_is(&mut self, sql: String, values: &[Value<'_>]) -> Result<Vec<Vec<Cell>>, Ours> {
        self.count_up()?;
        let runtime = &self.runtime;
        let rows = match &mut self.engine {
            Engine::Sqlite(connection) => {
                let rows = runtime.block_on(connection.fetch_all(with_sqlite(sql, values)))?;
                rows.iter().map(sqlite_row).collect::<Result<_, _>>()?
            }
            Engine::Postgres(connection) => {
                let rows = runtime.block_on(connection.fetch_all(with_postgres(sql, values)))?;
                rows.iter().map(postgres_row).collect::<Result<_, _>>()?
            }
        };
        self.count_up()?;
        Ok(rows)
    }

    /// The first row that a statement gives.
    pub fn row(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Option<Vec<Cell>>, Ours> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    fn count_up(&mut self) -> Result<(), Ours> {
        self.count += 1;
        if self.break_at == Some(self.count) { Err(Ours::BrokenOff(self.count)) } else { Ok(()) }
    }

    /// The statement as this database reads it.
    fn filled(&self, sql: &str) -> String {
        let postgres = self.is_postgres();
        let types: [(&str, &str, &str); 5] = [
            ("{sum}", "BLOB", "NUMERIC(39,0)"),
            ("{bytes}", "BLOB", "BYTEA"),
            ("{int}", "INTEGER", "BIGINT"),
            ("{serial}", "INTEGER PRIMARY KEY AUTOINCREMENT", "BIGSERIAL PRIMARY KEY"),
            ("{for update}", "", "FOR UPDATE"),
        ];
        let mut text = types
            .iter()
            .fold(sql.to_owned(), |sql, (name, lite, full)| sql.replace(name, if postgres { full } else { lite }));
        text = text.replace('~', self.prefix);
        fill(
            &fill(
                &text,
                '@',
                |n| if postgres { format!("CAST(${n}::TEXT AS NUMERIC(39,0))") } else { format!("${n}") },
            ),
            '#',
            |column| {
                if postgres { format!("CAST({column} AS TEXT)") } else { column.to_owned() }
            },
        )
    }
}

/// Replace each word that follows `mark`.
fn fill(sql: &str, mark: char, with: impl Fn(&str) -> String) -> String {
    let mut parts = sql.split(mark);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end =
            part.find(|char: char| !char.is_ascii_alphanumeric() && char != '_' && char != '.').unwrap_or(part.len());
        out.push_str(&with(&part[..end]));
        out.push_str(&part[end..]);
    }
    out
}

type SqliteQuery = sqlx::query::Query<'static, sqlx::Sqlite, <sqlx::Sqlite as sqlx::Database>::Arguments>;
type PostgresQuery = sqlx::query::Query<'static, sqlx::Postgres, <sqlx::Postgres as sqlx::Database>::Arguments>;

/// A number as both databases keep it. Heights and numbers of entries are far below 2^63.
fn int(int: u64) -> i64 {
    i64::try_from(int).unwrap_or(i64::MAX)
}

fn with_sqlite(sql: String, values: &[Value<'_>]) -> SqliteQuery {
    values.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| match value {
        Value::Int(value) => query.bind(int(*value)),
        Value::Bytes(bytes) => query.bind(bytes.to_vec()),
        Value::Text(text) => query.bind((*text).to_owned()),
        Value::Sum(sum) => query.bind(sum.to_be_bytes().to_vec()),
        Value::NoInt => query.bind(None::<i64>),
    })
}

fn with_postgres(sql: String, values: &[Value<'_>]) -> PostgresQuery {
    values.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| match value {
        Value::Int(value) => query.bind(int(*value)),
        Value::Bytes(bytes) => query.bind(bytes.to_vec()),
        Value::Text(text) => query.bind((*text).to_owned()),
        Value::Sum(sum) => query.bind(sum.to_string()),
        Value::NoInt => query.bind(None::<i64>),
    })
}

fn sqlite_row(row: &SqliteRow) -> Result<Vec<Cell>, Ours> {
    use sqlx::ValueRef as _;
    (0..row.columns().len())
        .map(|at| {
            let value = row.try_get_raw(at)?;
            if value.is_null() {
                return Ok(Cell::Null);
            }
            let kind = value.type_info();
            Ok(match kind.name() {
                "INTEGER" | "INT8" | "BOOLEAN" => Cell::Int(row.try_get(at)?),
                "BLOB" => Cell::Bytes(row.try_get(at)?),
                "TEXT" => Cell::Text(row.try_get(at)?),
                other => return Err(Ours::Broken(format!("a column of type {other}"))),
            })
        })
        .collect()
}

fn postgres_row(row: &PgRow) -> Result<Vec<Cell>, Ours> {
    row.columns()
        .iter()
        .enumerate()
        .map(|(at, column)| {
            Ok(match column.type_info().name() {
                "INT8" => row.try_get::<Option<i64>, _>(at)?.map_or(Cell::Null, Cell::Int),
                "INT4" => row.try_get::<Option<i32>, _>(at)?.map_or(Cell::Null, |int| Cell::Int(int.into())),
                "BYTEA" => row.try_get::<Option<Vec<u8>>, _>(at)?.map_or(Cell::Null, Cell::Bytes),
                "TEXT" | "VARCHAR" => row.try_get::<Option<String>, _>(at)?.map_or(Cell::Null, Cell::Text),
                other => return Err(Ours::Broken(format!("a column of type {other}: cast it to TEXT or BIGINT"))),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_filled_in() {
        let db = Db::open("sqlite://:memory:", "banyan_").unwrap();
        let sql = db.filled("SELECT #balance FROM ~account WHERE id = $1 AND delta < @2 {for update}");
        assert_eq!(sql, "SELECT balance FROM banyan_account WHERE id = $1 AND delta < $2 ");
    }

    #[test]
    fn sums_are_kept_whole() {
        let mut db = Db::open("sqlite://:memory:", "").unwrap();
        db.execute("CREATE TABLE s (v {sum} NOT NULL)", &[]).unwrap();
        for sum in
            [0, 1, -1, i128::from(u64::MAX) * 1_000_000_000, -170_141_183_460_469_231_731_687_303_715_884_105_728]
        {
            db.execute("DELETE FROM s", &[]).unwrap();
            db.execute("INSERT INTO s VALUES (@1)", &[Value::Sum(sum)]).unwrap();
            assert_eq!(db.row("SELECT #v FROM s", &[]).unwrap().unwrap()[0].sum().unwrap(), sum);
        }
    }
}
