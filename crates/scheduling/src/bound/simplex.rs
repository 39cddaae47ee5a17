//! The cheapest fractions of fillings that hold all items, by the revised simplex method. Columns
//! come one by one; what is of interest is the value that the prices put on each item.

use super::filling::Filling;

/// Pivots after which the inverse is computed afresh.
const FRESH_AFTER: usize = 64;
/// Numbers smaller than this are taken to be 0.
const SMALL: f64 = 1e-9;

/// A column of the basis.
#[derive(Clone, Debug)]
enum Column {
    /// A filling and its price.
    Filling(Filling, f64),
    /// More of an item than is needed.
    Surplus(usize),
}

/// A basis: as many columns as items.
#[derive(Debug)]
pub(super) struct Master {
    needed: Vec<f64>,
    columns: Vec<Column>,
    /// Of the matrix of the columns, by row.
    inverse: Vec<f64>,
    amounts: Vec<f64>,
    pivots: usize,
}

impl Master {
    /// Starts with fillings of one item each: how many of it, at which price.
    pub(super) fn new(needed: Vec<f64>, alone: &[(u32, f64)]) -> Self {
        let size = needed.len();
        let mut inverse = vec![0.0; size * size];
        for (item, (count, _)) in alone.iter().enumerate() {
            inverse[item * size + item] = 1.0 / f64::from(*count);
        }
        let amounts = needed.iter().zip(alone);
        let columns = alone.iter().enumerate();
        Self {
            amounts: amounts
                .map(|(needed, (count, _))| needed / f64::from(*count))
                .collect(),
            columns: columns
                .map(|(item, (count, price))| Column::Filling(vec![(item, *count)], *price))
                .collect(),
            needed,
            inverse,
            pivots: 0,
        }
    }

    /// The value of each item: a filling that is worth more than its price makes all cheaper.
    pub(super) fn values(&mut self) -> Vec<f64> {
        let mut values = self.duals();
        // An item of negative value is one of which there should be more than needed.
        for _ in 0..self.needed.len() {
            let Some(item) = (0..values.len()).find(|item| values[*item] < -SMALL) else {
                break;
            };
            if !self.enter(Column::Surplus(item)) {
                break;
            }
            values = self.duals();
        }
        values.into_iter().map(|value| value.max(0.0)).collect()
    }

    /// Takes a filling into the basis if that makes all cheaper.
    pub(super) fn offer(&mut self, filling: &Filling, price: f64) {
        let values = self.duals();
        let worth: f64 = filling
            .iter()
            .map(|(item, count)| values[*item] * f64::from(*count))
            .sum();
        if worth > price * (1.0 + SMALL) {
            self.enter(Column::Filling(filling.clone(), price));
        }
    }

    fn duals(&self) -> Vec<f64> {
        let size = self.needed.len();
        let mut duals = vec![0.0; size];
        for (row, column) in self.columns.iter().enumerate() {
            if let Column::Filling(_, price) = column {
                let row = &self.inverse[row * size..(row + 1) * size];
                for (dual, inverse) in duals.iter_mut().zip(row) {
                    *dual += price * inverse;
                }
            }
        }
        duals
    }

    /// Puts a column in the place of the one that it uses up first; whether there is one.
    fn enter(&mut self, column: Column) -> bool {
        let size = self.needed.len();
        let direction = self.direction(&column);
        let mut leaving: Option<(f64, usize)> = None;
        for (row, step) in direction.iter().enumerate() {
            if *step > SMALL {
                let ratio = self.amounts[row].max(0.0) / step;
                if leaving.is_none_or(|(least, _)| ratio < least) {
                    leaving = Some((ratio, row));
                }
            }
        }
        let Some((ratio, leaving)) = leaving else {
            return false;
        };
        for (row, step) in direction.iter().enumerate() {
            self.amounts[row] -= ratio * step;
        }
        self.amounts[leaving] = ratio;
        self.columns[leaving] = column;
        let pivot = direction[leaving];
        let pivot_row: Vec<f64> = self.inverse[leaving * size..(leaving + 1) * size]
            .iter()
            .map(|cell| cell / pivot)
            .collect();
        for (row, step) in direction.iter().enumerate() {
            let cells = &mut self.inverse[row * size..(row + 1) * size];
            if row == leaving {
                cells.copy_from_slice(&pivot_row);
            } else if *step != 0.0 {
                for (cell, pivot) in cells.iter_mut().zip(&pivot_row) {
                    *cell -= step * pivot;
                }
            }
        }
        self.pivots += 1;
        if self.pivots.is_multiple_of(FRESH_AFTER) {
            self.refresh();
        }
        true
    }

    /// How the basis changes with a column.
    fn direction(&self, column: &Column) -> Vec<f64> {
        let size = self.needed.len();
        let of = |row: usize| match column {
            Column::Surplus(item) => -self.inverse[row * size + item],
            Column::Filling(filling, _) => {
                let parts = filling.iter();
                parts
                    .map(|(item, count)| self.inverse[row * size + item] * f64::from(*count))
                    .sum()
            }
        };
        (0..size).map(of).collect()
    }

    /// Computes the inverse from the columns, without the errors that pivots leave behind.
    fn refresh(&mut self) {
        let size = self.needed.len();
        let mut matrix = vec![0.0; size * size];
        for (at, column) in self.columns.iter().enumerate() {
            match column {
                Column::Surplus(item) => matrix[item * size + at] = -1.0,
                Column::Filling(filling, _) => {
                    for (item, count) in filling {
                        matrix[item * size + at] = f64::from(*count);
                    }
                }
            }
        }
        if let Some(inverse) = invert(matrix, size) {
            self.inverse = inverse;
            for row in 0..size {
                let cells = &self.inverse[row * size..(row + 1) * size];
                let parts = cells.iter().zip(&self.needed);
                self.amounts[row] = parts.map(|(cell, needed)| cell * needed).sum();
            }
        }
    }
}

/// The inverse by elimination with the largest pivot of each column; none if there is none.
fn invert(mut matrix: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    let mut inverse = vec![0.0; size * size];
    for row in 0..size {
        inverse[row * size + row] = 1.0;
    }
    for at in 0..size {
        let largest = |a: &usize, b: &usize| {
            matrix[a * size + at]
                .abs()
                .total_cmp(&matrix[b * size + at].abs())
        };
        let pivot = (at..size).max_by(largest)?;
        if matrix[pivot * size + at].abs() < SMALL {
            return None;
        }
        for column in 0..size {
            matrix.swap(at * size + column, pivot * size + column);
            inverse.swap(at * size + column, pivot * size + column);
        }
        let scale = 1.0 / matrix[at * size + at];
        for column in 0..size {
            matrix[at * size + column] *= scale;
            inverse[at * size + column] *= scale;
        }
        for row in (0..size).filter(|row| *row != at) {
            let factor = matrix[row * size + at];
            if factor == 0.0 {
                continue;
            }
            for column in 0..size {
                matrix[row * size + column] -= factor * matrix[at * size + column];
                inverse[row * size + column] -= factor * inverse[at * size + column];
            }
        }
    }
    Some(inverse)
}
