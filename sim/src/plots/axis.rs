//! Round values along an axis, and how they are written.
//! Invariant: as many as there is room for, each at a round value of its unit.
//! Unit: that of the axis.

/// About as many round values as asked for.
pub(super) fn round(from: f64, to: f64, count: f64) -> (Vec<f64>, f64) {
    let raw = ((to - from) / count).max(f64::MIN_POSITIVE);
    let power = 10_f64.powi(power_below(raw));
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|it| it * power);
    let step = steps.into_iter().find(|it| *it >= raw * 0.999);
    let step = step.unwrap_or(raw);
    (spread(from, to, step), step)
}

/// Moments that are round as people count time.
pub(super) fn moments(to: f64, count: f64) -> (Vec<f64>, f64) {
    const ROUND: [f64; 21] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0,
        7_200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 432_000.0, 864_000.0,
    ];
    let raw = to / count;
    match ROUND.into_iter().find(|it| *it >= raw * 0.999) {
        Some(step) if raw >= 1.0 => (spread(0.0, to, step), step),
        _ => round(0.0, to, count),
    }
}

/// The greatest power of ten that is not above a value.
fn power_below(value: f64) -> i32 {
    let mut powers = (-30..=30).rev();
    powers
        .find(|power| 10_f64.powi(*power) <= value)
        .unwrap_or(-30)
}

/// The powers of ten, and where there is room what lies between.
pub(super) fn decades(from: f64, to: f64) -> Vec<f64> {
    let parts: &[f64] = if (to / from).log10() < 2.5 {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0]
    };
    let powers = power_below(from)..=power_below(to) + 1;
    let all = powers.flat_map(|power| parts.iter().map(move |part| part * 10_f64.powi(power)));
    all.filter(|it| *it >= from * 0.999 && *it <= to * 1.001)
        .collect()
}

fn spread(from: f64, to: f64, step: f64) -> Vec<f64> {
    let first = (from / step - 1e-9).ceil();
    let places = (0..200).map(|place| (first + f64::from(place)) * step);
    places.take_while(|it| *it <= to + step * 1e-9).collect()
}

/// A value with the largest unit that it has one of.
pub(super) fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let unit = units.iter().find(|(size, _)| value >= size * 0.9995);
    let (size, name) = unit.or(units.last()).copied().unwrap_or((1.0, ""));
    format!("{} {name}", short(value / size))
}

/// Three digits, and no zeros behind the point.
fn short(number: f64) -> String {
    let digits = if number >= 99.95 {
        0
    } else if number >= 9.995 {
        1
    } else {
        2
    };
    let text = format!("{number:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A span of time.
pub(super) fn span(seconds: f64) -> String {
    const UNITS: [(f64, &str); 6] = [
        (86_400.0, "d"),
        (3_600.0, "h"),
        (60.0, "min"),
        (1.0, "s"),
        (1e-3, "ms"),
        (1e-6, "µs"),
    ];
    // Not 1.67 min for 100 s.
    if (1.0..600.0).contains(&seconds) {
        return format!("{} s", short(seconds));
    }
    scaled(seconds, &UNITS)
}

/// A moment, as exactly as a step needs it.
pub(super) fn moment(seconds: f64, step: f64) -> String {
    if step >= 86_400.0 {
        return format!("{} d", short(seconds / 86_400.0));
    }
    if step < 1.0 || seconds < 60.0 {
        return scaled(seconds, &[(1.0, "s"), (1e-3, "ms")]);
    }
    let whole = seconds.round();
    let days = (whole / 86_400.0).floor();
    let hours = (whole / 3_600.0).floor() % 24.0;
    let minutes = (whole / 60.0).floor() % 60.0;
    let rest = match step < 60.0 {
        true => format!(":{:02}", whole % 60.0),
        false => String::new(),
    };
    if days > 0.0 {
        format!("{days} d {hours:02}:{minutes:02}{rest}")
    } else if hours > 0.0 {
        format!("{hours}:{minutes:02}{rest} h")
    } else {
        format!("{minutes}{rest} min")
    }
}
