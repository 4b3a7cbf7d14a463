//! Tables as Parquet files, for pandas, DuckDB, R and whatever else reads them.
//! Invariant: the same rows give the same bytes; no value is missing.
//! Format: Parquet 2, little-endian, not compressed: dictionaries and run lengths leave little to gain.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::ResultsError;

/// Rows that are kept before they are written.
const ROWS_A_GROUP: usize = 1 << 16;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers.
    Whole,
    /// Numbers.
    Number,
    /// Text.
    Text,
    /// Yes or no.
    Bool,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Whole(u64),
    /// A number.
    Number(f64),
    /// Text.
    Text(Arc<str>),
    /// Yes or no.
    Bool(bool),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&Arc<str>> for Value {
    fn from(value: &Arc<str>) -> Self {
        Self::Text(Arc::clone(value))
    }
}

#[derive(Debug)]
enum Column {
    Whole(Vec<i64>),
    Number(Vec<f64>),
    Text(Vec<ByteArray>),
    Bool(Vec<bool>),
}

impl Column {
    const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Whole => Self::Whole(Vec::new()),
            Kind::Number => Self::Number(Vec::new()),
            Kind::Text => Self::Text(Vec::new()),
            Kind::Bool => Self::Bool(Vec::new()),
        }
    }
}

/// A table that is being written.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    kinds: Vec<(String, Kind)>,
    columns: Vec<Column>,
    rows: usize,
    writer: SerializedFileWriter<File>,
}

impl Table {
    /// A table with these columns.
    ///
    /// # Errors
    /// [`ResultsError`] where the file cannot be made.
    pub fn create(path: &Path, kinds: &[(&str, Kind)]) -> Result<Self, ResultsError> {
        let failed = |error: ParquetError| failed(path, &error);
        let fields = kinds.iter().map(|(name, kind)| field(name, *kind));
        let fields = fields.collect::<Result<_, _>>().map_err(failed)?;
        let schema = Type::group_type_builder("peerdist")
            .with_fields(fields)
            .build()
            .map_err(failed)?;
        let file = File::create(path).map_err(|source| ResultsError::Io {
            path: path.to_owned(),
            source,
        })?;
        let properties = WriterProperties::builder()
            .set_created_by(format!("peerdist {}", env!("CARGO_PKG_VERSION")))
            .build();
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties));
        Ok(Self {
            path: path.to_owned(),
            kinds: kinds
                .iter()
                .map(|(name, kind)| ((*name).to_owned(), *kind))
                .collect(),
            columns: kinds.iter().map(|(_, kind)| Column::of(*kind)).collect(),
            rows: 0,
            writer: writer.map_err(failed)?,
        })
    }

    /// Adds a row, with a value for each column.
    ///
    /// # Errors
    /// [`ResultsError`] where rows cannot be written, or a value is not of its column's kind.
    pub fn row<const N: usize>(&mut self, values: [Value; N]) -> Result<(), ResultsError> {
        self.row_of(&values)
    }

    /// The same, of a slice.
    ///
    /// # Errors
    /// As [`Table::row`].
    pub fn row_of(&mut self, values: &[Value]) -> Result<(), ResultsError> {
        let unfit = |name: &str| {
            ResultsError::Format(format!("a row does not fit its table at column '{name}'"))
        };
        if values.len() != self.columns.len() {
            return Err(unfit("(all)"));
        }
        for ((column, (name, _)), value) in self.columns.iter_mut().zip(&self.kinds).zip(values) {
            match (column, value) {
                (Column::Whole(column), Value::Whole(value)) => {
                    column.push(i64::try_from(*value).unwrap_or(i64::MAX));
                }
                (Column::Number(column), Value::Number(value)) => column.push(*value),
                (Column::Number(column), Value::Whole(value)) => column.push(*value as f64),
                (Column::Text(column), Value::Text(value)) => {
                    column.push(ByteArray::from(value.as_bytes().to_vec()));
                }
                (Column::Bool(column), Value::Bool(value)) => column.push(*value),
                _ => return Err(unfit(name)),
            }
        }
        self.rows += 1;
        if self.rows >= ROWS_A_GROUP {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes all that was not written.
    ///
    /// # Errors
    /// [`ResultsError`] where it cannot be written.
    pub fn finish(mut self) -> Result<(), ResultsError> {
        self.flush()?;
        let closed = self.writer.close();
        closed.map_err(|error| failed(&self.path, &error))?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ResultsError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let path = &self.path;
        let columns = &mut self.columns;
        let write = |writer: &mut SerializedFileWriter<File>| {
            let mut group = writer.next_row_group()?;
            for column in columns {
                let Some(mut to) = group.next_column()? else {
                    break;
                };
                match column {
                    Column::Whole(values) => {
                        to.typed::<Int64Type>().write_batch(values, None, None)?;
                        values.clear();
                    }
                    Column::Number(values) => {
                        to.typed::<DoubleType>().write_batch(values, None, None)?;
                        values.clear();
                    }
                    Column::Text(values) => {
                        to.typed::<ByteArrayType>()
                            .write_batch(values, None, None)?;
                        values.clear();
                    }
                    Column::Bool(values) => {
                        to.typed::<BoolType>().write_batch(values, None, None)?;
                        values.clear();
                    }
                }
                to.close()?;
            }
            group.close()?;
            Ok(())
        };
        write(&mut self.writer).map_err(|error: ParquetError| failed(path, &error))
    }
}

fn field(name: &str, kind: Kind) -> Result<Arc<Type>, ParquetError> {
    let physical = match kind {
        Kind::Whole => Physical::INT64,
        Kind::Number => Physical::DOUBLE,
        Kind::Text => Physical::BYTE_ARRAY,
        Kind::Bool => Physical::BOOLEAN,
    };
    let logical = (kind == Kind::Text).then_some(LogicalType::String);
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(logical)
        .build()
        .map(Arc::new)
}

fn failed(path: &Path, error: &ParquetError) -> ResultsError {
    ResultsError::Format(format!("{}: {error}", path.display()))
}
