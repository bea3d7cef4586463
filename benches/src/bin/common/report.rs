//! Rows: printed part by part, written as CSV, and judged.

use std::{fs, io, process::ExitCode};

use super::{
    args::Args,
    budget::{Budget, Verdict},
    spread::Spread,
};

/// A figure. If it has a ratio, the budget is for the ratio.
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) figure: Spread,
    pub(crate) unit: &'static str,
    pub(crate) ratio: Option<Spread>,
    pub(crate) budget: Option<Budget>,
}

impl Row {
    pub(crate) fn new(case: impl Into<String>, figure: Spread, unit: &'static str) -> Self {
        Self { case: case.into(), figure, unit, ratio: None, budget: None }
    }

    pub(crate) fn ratio(self, ratio: Spread) -> Self {
        Self { ratio: Some(ratio), ..self }
    }

    pub(crate) fn budget(self, budget: Budget) -> Self {
        Self { budget: Some(budget), ..self }
    }

    fn verdict(&self) -> Option<Verdict> {
        Some(self.budget?.judge(self.ratio.unwrap_or(self.figure).median))
    }

    fn cells(&self) -> [String; 4] {
        let judged = self.budget.zip(self.verdict());
        [
            self.case.clone(),
            format!("{} {}", self.figure, self.unit),
            self.ratio.map(|ratio| ratio.to_string()).unwrap_or_default(),
            judged.map(|(budget, verdict)| format!("{budget}: {verdict}")).unwrap_or_default(),
        ]
    }

    fn csv(&self, part: &str) -> String {
        let of = |spread: Option<Spread>| {
            spread.map_or(",,".to_owned(), |Spread { low, median, high }| format!("{median},{low},{high}"))
        };
        let budget = self.budget.map(|budget| budget.to_string()).unwrap_or_default();
        let verdict = self.verdict().map(|verdict| verdict.to_string()).unwrap_or_default();
        let (figure, ratio) = (of(Some(self.figure)), of(self.ratio));
        format!("\"{part}\",\"{}\",{},{figure},{ratio},{budget},{verdict}\n", self.case, self.unit)
    }
}

#[derive(Default)]
pub(crate) struct Report {
    csv: String,
    missed: Vec<String>,
}

impl Report {
    /// Prints a part, whose ratios are to `base`.
    pub(crate) fn part(&mut self, part: &str, base: &str, rows: &[Row]) {
        let head = [String::new(), "median (lowest to highest round)".to_owned(), base.to_owned(), "budget".to_owned()];
        let lines: Vec<_> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
        let widths: [usize; 4] = std::array::from_fn(|column| {
            lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or_default()
        });
        println!("\n## {part}\n");
        for cells in lines {
            let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
        }
        self.csv.extend(rows.iter().map(|row| row.csv(part)));
        let missed = rows.iter().filter(|row| row.verdict() == Some(Verdict::Missed));
        self.missed.extend(missed.map(|row| format!("{part}: {}", row.case)));
    }

    /// Writes the CSV, and prints the rows that missed their budgets.
    pub(crate) fn end(self, args: &Args) -> io::Result<ExitCode> {
        let head = "part,case,unit,median,low,high,ratio,ratio_low,ratio_high,budget,verdict\n";
        fs::write(&args.csv, format!("{head}{}", self.csv))?;
        println!("\nwritten to {}", args.csv.display());
        for row in &self.missed {
            println!("missed its budget: {row}");
        }
        let failed = args.check && !self.missed.is_empty();
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
