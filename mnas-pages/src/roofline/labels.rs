//! Where labels stand, so that as few as possible cover each other, a dot or a line.
//!
//! Every label tries places around its dot, near ones first, and takes the one that costs least, given where the
//! others are; a few rounds of that settle. The same picture always comes out the same.

/// A point, in pixels; `y` goes down.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rect {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Rect {
    fn around(center: Point, width: f64, height: f64) -> Self {
        let (x, y) = (width / 2.0, height / 2.0);
        Rect { left: center.x - x, top: center.y - y, right: center.x + x, bottom: center.y + y }
    }

    fn contains(&self, other: &Rect) -> bool {
        self.left <= other.left && self.top <= other.top && other.right <= self.right && other.bottom <= self.bottom
    }

    /// The nearest point to `p`.
    pub(super) fn nearest(&self, p: Point) -> Point {
        Point { x: p.x.clamp(self.left, self.right), y: p.y.clamp(self.top, self.bottom) }
    }

    fn overlap(&self, other: &Rect) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        width.max(0.0) * height.max(0.0)
    }

    fn meets(&self, line: Line) -> bool {
        let inside = |p: Point| self.nearest(p) == p;
        let corner = |x, y| Point { x, y };
        let (a, b) = (corner(self.left, self.top), corner(self.right, self.bottom));
        let (c, d) = (corner(self.left, self.bottom), corner(self.right, self.top));
        inside(line.0) || inside(line.1) || cross((a, b), line) || cross((c, d), line)
    }
}

/// From one point to another.
pub(super) type Line = (Point, Point);

/// A dot and the size of its label.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labelled {
    pub(super) at: Point,
    pub(super) radius: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Space between a dot and a label that touches it.
const GAP: f64 = 3.0;
/// Directions that are tried, from the right and clockwise.
const DIRECTIONS: usize = 24;
/// Distances that are tried.
const DISTANCES: [f64; 10] = [0.0, 6.0, 14.0, 24.0, 36.0, 50.0, 68.0, 90.0, 120.0, 160.0];
const ROUNDS: usize = 8;

/// A place for the label of each dot, inside of `area`; `lines` and `taken` are better not covered.
pub(super) fn place(dots: &[Labelled], area: Rect, lines: &[Line], taken: &[Rect]) -> Vec<Rect> {
    let mut places: Vec<Option<Rect>> = vec![None; dots.len()];
    for _ in 0..ROUNDS {
        for i in 0..dots.len() {
            let cost = |place: &Rect| cost(i, place, dots, &places, lines, taken);
            let best = candidates(&dots[i], area)
                .map(|(place, distance)| (cost(&place) + distance, place))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            places[i] = best.map(|(_, place)| place);
        }
    }
    // A dot in an area smaller than its label has no place: it stands over it.
    places.iter().zip(dots).map(|(place, dot)| place.unwrap_or(Rect::around(dot.at, dot.width, dot.height))).collect()
}

/// Places around a dot, with what their distance costs.
fn candidates(dot: &Labelled, area: Rect) -> impl Iterator<Item = (Rect, f64)> {
    let Labelled { at, radius, width, height } = *dot;
    let places = DISTANCES.into_iter().flat_map(move |distance| {
        (0..DIRECTIONS).map(move |direction| {
            let angle = direction as f64 / DIRECTIONS as f64 * std::f64::consts::TAU;
            let reach = radius + GAP + distance;
            let center =
                Point { x: at.x + angle.cos() * (reach + width / 2.0), y: at.y + angle.sin() * (reach + height / 2.0) };
            (Rect::around(center, width, height), distance * 0.5 + direction as f64 * 0.05)
        })
    });
    places.filter(move |(place, _)| area.contains(place))
}

/// What a place of label `i` covers, and what its leader crosses.
fn cost(i: usize, place: &Rect, dots: &[Labelled], places: &[Option<Rect>], lines: &[Line], taken: &[Rect]) -> f64 {
    let leader = (dots[i].at, place.nearest(dots[i].at));
    let mut cost = 0.0;
    for (j, dot) in dots.iter().enumerate() {
        let reach = dot.radius + 2.0;
        let near = place.nearest(dot.at);
        if (near.x - dot.at.x).hypot(near.y - dot.at.y) < reach {
            cost += 60.0;
        }
        if j == i {
            continue;
        }
        if Rect::around(dot.at, 2.0 * dot.radius, 2.0 * dot.radius).meets(leader) {
            cost += 25.0;
        }
        if let Some(other) = &places[j] {
            let padded = Rect {
                left: other.left - 2.0,
                top: other.top - 1.0,
                right: other.right + 2.0,
                bottom: other.bottom + 1.0,
            };
            let overlap = padded.overlap(place);
            if overlap > 0.0 {
                cost += 100.0 + overlap;
            }
            let other_leader = (dot.at, other.nearest(dot.at));
            cost += if other.meets(leader) { 60.0 } else { 0.0 };
            cost += if place.meets(other_leader) { 60.0 } else { 0.0 };
            cost += if cross(leader, other_leader) { 40.0 } else { 0.0 };
        }
    }
    cost += lines.iter().filter(|line| place.meets(**line)).count() as f64 * 30.0;
    cost + taken.iter().filter(|rect| rect.overlap(place) > 0.0).count() as f64 * 80.0
}

/// Whether two lines cross.
fn cross((a, b): Line, (c, d): Line) -> bool {
    let side = |p: Point, q: Point, r: Point| (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rect = Rect { left: 0.0, top: 0.0, right: 800.0, bottom: 400.0 };

    fn dot(x: f64, y: f64) -> Labelled {
        Labelled { at: Point { x, y }, radius: 5.0, width: 60.0, height: 14.0 }
    }

    #[test]
    fn labels_of_crowded_dots_cover_nothing() {
        // Twenty dots in a space in which four labels would fit.
        let dots: Vec<Labelled> =
            (0..20).map(|i| dot(400.0 + (i * 37 % 100) as f64, 100.0 + (i * 53 % 60) as f64)).collect();
        let line = (Point { x: 0.0, y: 90.0 }, Point { x: 800.0, y: 90.0 });
        let places = place(&dots, AREA, &[line], &[]);
        for (i, place) in places.iter().enumerate() {
            assert!(AREA.contains(place) && !place.meets(line), "{i}: {place:?}");
            for (j, (other, dot)) in places.iter().zip(&dots).enumerate() {
                assert!(i == j || place.overlap(other) == 0.0, "{i} and {j} overlap");
                let near = place.nearest(dot.at);
                assert!((near.x - dot.at.x).hypot(near.y - dot.at.y) >= 5.0, "{i} covers dot {j}");
            }
        }
    }

    #[test]
    fn a_lonely_label_stands_beside_its_dot() {
        let place = place(&[dot(100.0, 100.0)], AREA, &[], &[])[0];
        assert_eq!([place.left, place.top], [108.0, 93.0]);
        let corner = super::place(&[dot(795.0, 5.0)], AREA, &[], &[])[0];
        assert!(AREA.contains(&corner), "{corner:?}");
    }

    #[test]
    fn lines_cross_or_do_not() {
        let line = |a: [f64; 2], b: [f64; 2]| (Point { x: a[0], y: a[1] }, Point { x: b[0], y: b[1] });
        assert!(cross(line([0.0, 0.0], [2.0, 2.0]), line([0.0, 2.0], [2.0, 0.0])));
        assert!(!cross(line([0.0, 0.0], [2.0, 2.0]), line([3.0, 0.0], [4.0, 9.0])));
        let rect = Rect { left: 0.0, top: 0.0, right: 2.0, bottom: 1.0 };
        assert!(rect.meets(line([-1.0, 0.5], [3.0, 0.6])), "through");
        assert!(rect.meets(line([1.0, 0.5], [1.1, 0.5])), "inside");
        assert!(!rect.meets(line([-1.0, 0.5], [1.0, 9.0])), "beside");
    }
}
