//! A chart over time as a drawing within the page: lines for what was blocked, what got through, and what has no answer. It
//! must be readable without colours (dashes, marks and words say the same) and without any script.

use std::fmt::Write as _;

use super::super::date;
use crate::fleet::Fleet;
use crate::fleet::history::{Counts, Series};

/// One line.
struct Line {
    class: &'static str,
    words: &'static str,
    read: fn(&Counts) -> usize,
}

const LINES: [Line; 3] = [
    Line { class: "blocked", words: "blocked", read: |counts| counts.blocked },
    Line { class: "through", words: "got through", read: |counts| counts.through },
    Line { class: "no-answer", words: "no answer", read: |counts| counts.no_answer },
];

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 40.0;
/// Room for the words at the ends of the lines.
const RIGHT: f64 = 120.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 28.0;
/// Words closer to each other than this cannot be read.
const LINE_HEIGHT: f64 = 15.0;
/// As much as a date takes.
const DATE: f64 = 76.0;
/// More marks would be one thick line.
const MOST_MARKS: usize = 60;

/// Numbers over time.
#[derive(Debug)]
pub(super) struct Chart {
    /// Moments, in seconds since 1970, the oldest first.
    moments: Vec<u64>,
    counts: Vec<Counts>,
}

impl Chart {
    /// Of a scenario, or of all.
    pub(super) fn of(fleet: &Fleet, series: &Series, scenario: Option<usize>) -> Self {
        Self {
            moments: series.points.iter().map(|host| fleet.hosts[*host].record.started).collect(),
            counts: series.counts(fleet, scenario),
        }
    }

    /// Whether there is no verdict at any moment.
    pub(super) fn is_empty(&self) -> bool {
        self.most() == 0
    }

    fn most(&self) -> usize {
        LINES.iter().flat_map(|line| self.counts.iter().map(line.read)).max().unwrap_or(0)
    }

    /// The drawing; `id` must be one that no other chart of the page has.
    pub(super) fn html(&self, id: &str) -> String {
        let mut svg = format!(
            "<div class=\"chart\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"c-{id}-title c-{id}-desc\">\
             <title id=\"c-{id}-title\">Attempts blocked, got through, and without an answer, over time</title><desc id=\"c-{id}-desc\">{}</desc>",
            self.description()
        );
        self.axes(&mut svg);
        for line in &LINES {
            self.line(&mut svg, line);
        }
        self.ends(&mut svg);
        svg.push_str("</svg></div>\n");
        svg
    }

    /// What the lines show, for who cannot see them.
    fn description(&self) -> String {
        let said: Vec<String> = LINES
            .iter()
            .filter_map(|line| {
                let (first, last) = (self.counts.first()?, self.counts.last()?);
                Some(format!("{} from {} to {}", line.words, (line.read)(first), (line.read)(last)))
            })
            .collect();
        let moment = |moment: Option<&u64>| date::utc(moment.copied().unwrap_or(0));
        format!(
            "{} records from {} to {}: {}.",
            self.moments.len(),
            moment(self.moments.first()),
            moment(self.moments.last()),
            said.join(", ")
        )
    }

    /// Where a moment is: the distances are those of time.
    fn x(&self, moment: u64) -> f64 {
        let (first, last) =
            (self.moments.first().copied().unwrap_or(0), self.moments.last().copied().unwrap_or(0));
        let span = last.saturating_sub(first).max(1) as f64;
        LEFT + (WIDTH - LEFT - RIGHT) * (moment.saturating_sub(first) as f64 / span)
    }

    fn y(&self, number: usize) -> f64 {
        let bottom = HEIGHT - BOTTOM;
        bottom - (bottom - TOP) * (number as f64 / self.most().max(1) as f64)
    }

    fn axes(&self, svg: &mut String) {
        let mut steps = vec![0, self.most() / 2, self.most()];
        steps.dedup();
        for step in steps {
            let y = self.y(step);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"></line><text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{step}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0
            );
        }
        // The first and the last have a date, and of the others as many as there is room for.
        let Some((last, before)) = self.moments.split_last() else { return };
        let mut free = f64::NEG_INFINITY;
        for moment in before {
            let x = self.x(*moment);
            if x >= free && x + DATE <= self.x(*last) {
                tick(svg, x, *moment);
                free = x + DATE;
            }
        }
        tick(svg, self.x(*last), *last);
    }

    fn line(&self, svg: &mut String, line: &Line) {
        let points: Vec<(f64, f64)> = self
            .moments
            .iter()
            .zip(&self.counts)
            .map(|(moment, counts)| (self.x(*moment), self.y((line.read)(counts))))
            .collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let class = line.class;
        let _ = write!(svg, "<polyline class=\"{class}\" points=\"{}\"></polyline>", path.join(" "));
        if points.len() > MOST_MARKS {
            return;
        }
        for (x, y) in points {
            let _ = match class {
                "blocked" => {
                    write!(svg, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"></circle>")
                }
                "through" => write!(
                    svg,
                    "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"7\" height=\"7\"></rect>",
                    x - 3.5,
                    y - 3.5
                ),
                _ => write!(
                    svg,
                    "<polygon class=\"{class}\" points=\"{:.1},{:.1} {:.1},{:.1} {x:.1},{:.1}\"></polygon>",
                    x - 4.0,
                    y + 3.5,
                    x + 4.0,
                    y + 3.5,
                    y - 4.0
                ),
            };
        }
    }

    /// The words at the ends of the lines, moved apart.
    fn ends(&self, svg: &mut String) {
        let Some(last) = self.counts.last() else { return };
        let mut ends: Vec<(f64, &Line, usize)> =
            LINES.iter().map(|line| (self.y((line.read)(last)), line, (line.read)(last))).collect();
        ends.sort_by(|one, other| one.0.total_cmp(&other.0));
        let room = LINE_HEIGHT * (ends.len() - 1) as f64;
        let mut free = TOP;
        for (place, (y, line, number)) in ends.iter().enumerate() {
            let lowest = HEIGHT - BOTTOM - room + LINE_HEIGHT * place as f64;
            let at = y.max(free).min(lowest);
            free = at + LINE_HEIGHT;
            let _ = write!(
                svg,
                "<text class=\"{}\" x=\"{:.1}\" y=\"{:.1}\">{} {number}</text>",
                line.class,
                WIDTH - RIGHT + 10.0,
                at + 4.0,
                line.words
            );
        }
    }
}

fn tick(svg: &mut String, x: f64, moment: u64) {
    let _ = write!(
        svg,
        "<text class=\"axis\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        HEIGHT - 8.0,
        date::day(moment)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(numbers: &[(u64, usize, usize, usize)]) -> Chart {
        Chart {
            moments: numbers.iter().map(|(day, ..)| day * 86_400).collect(),
            counts: numbers
                .iter()
                .map(|(_, blocked, through, no_answer)| Counts {
                    blocked: *blocked,
                    through: *through,
                    no_answer: *no_answer,
                })
                .collect(),
        }
    }

    #[test]
    fn it_says_in_words_what_the_lines_show() {
        let html = chart(&[(0, 10, 2, 1), (31, 8, 4, 1)]).html("x");
        assert!(
            html.contains("blocked from 10 to 8, got through from 2 to 4, no answer from 1 to 1"),
            "{html}"
        );
        assert!(html.contains(">blocked 8</text>") && html.contains(">got through 4</text>"), "{html}");
        assert!(html.contains(">1970-01-01</text>") && html.contains(">1970-02-01</text>"), "{html}");
    }

    #[test]
    fn distances_are_those_of_time() {
        let chart = chart(&[(0, 1, 0, 0), (1, 1, 0, 0), (10, 1, 0, 0)]);
        let xs: Vec<f64> = chart.moments.iter().map(|moment| chart.x(*moment)).collect();
        assert!(((xs[1] - xs[0]) * 10.0 - (xs[2] - xs[0])).abs() < 1e-6, "{xs:?}");
    }

    #[test]
    fn words_at_the_ends_do_not_lie_on_each_other() {
        for numbers in [(0, 5, 5, 5), (0, 0, 0, 0), (0, 9, 0, 0), (0, 100, 99, 98)] {
            let html = chart(&[numbers, (1, numbers.1, numbers.2, numbers.3)]).html("x");
            let mut ys: Vec<f64> = html
                .split("<text class=\"")
                .filter(|text| !text.starts_with("axis") && !text.starts_with("<div"))
                .map(|text| text.split("y=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
                .collect();
            ys.sort_by(f64::total_cmp);
            assert_eq!(ys.len(), 3);
            assert!(ys.windows(2).all(|pair| pair[1] - pair[0] >= LINE_HEIGHT - 0.1), "{numbers:?}: {ys:?}");
            assert!(ys.iter().all(|y| (TOP..HEIGHT).contains(y)), "{ys:?}");
        }
    }

    #[test]
    fn dates_do_not_lie_on_each_other() {
        let numbers: Vec<_> = (0..365).map(|day| (day, 1, 1, 1)).collect();
        let html = chart(&numbers).html("x");
        assert!(html.matches("text-anchor=\"middle\"").count() <= 8, "too many dates");
        assert_eq!(html.matches("<circle").count(), 0, "too many marks");
    }

    #[test]
    fn one_moment_and_no_verdict_draw_something_too() {
        let html = chart(&[(1, 0, 0, 0), (1, 0, 0, 0)]).html("x");
        assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        assert!(chart(&[(1, 0, 0, 0)]).is_empty());
    }
}
