//! `run --image`.

use crate::folder::Folder;
use image::{GrayImage, Rgb, RgbImage, Rgba, RgbaImage};

fn picture() -> RgbImage {
    RgbImage::from_fn(50, 40, |x, y| Rgb([0, 1, 2].map(|c: u32| ((31 * y + 17 * x + 101 * c) % 256) as u8)))
}

#[test]
fn classes_are_named_with_their_probabilities() {
    let folder = Folder::new("pictures");
    picture().save(folder.path("a.png")).unwrap();
    picture().save(folder.path("b.jpg")).unwrap();
    let run = ["run", "tiny.yaml", "--random-weights", "2", "--image", "a.png", "b.jpg"];
    let said = folder.mnasc(&[&run[..], &["--json", "--top", "10"]].concat()).done();
    let images = said.json()["images"].as_array().unwrap().clone();
    assert_eq!(images.len(), 2);
    for image in &images {
        let top = image["top"].as_array().unwrap();
        let probabilities: Vec<f64> = top.iter().map(|class| class["probability"].as_f64().unwrap()).collect();
        assert!(probabilities.is_sorted_by(|a, b| a >= b));
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let labels = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
        assert!(top.iter().all(|class| class["label"] == labels[class["index"].as_u64().unwrap() as usize]));
    }
    let said = folder.mnasc(&[&run[..], &["--top", "3"]].concat()).done();
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!([lines[0], lines[4]], ["a.png", "b.jpg"]);
    let best = &images[0]["top"][0];
    let row = format!("  {:.4}  {}", best["probability"].as_f64().unwrap(), best["label"].as_str().unwrap());
    assert_eq!(lines[1], row);
    let interpreted = folder.mnasc(&[&run[..], &["--top", "3", "--interpret"]].concat()).done();
    assert_eq!(interpreted.out, said.out);
}

#[test]
fn the_network_that_was_found_reads_the_digits_it_comes_with() {
    let folder = Folder::new("digits");
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    let (spec, weights) = (format!("{examples}/digits.yaml"), format!("{examples}/digits.safetensors"));
    let pictures: Vec<String> = (0..10).map(|digit| format!("{examples}/pictures/{digit}.png")).collect();
    let read = |weights: [&str; 2]| {
        let mut run = vec!["run", &spec, "--json", "--top", "1", "--image"];
        run.extend(pictures.iter().map(String::as_str));
        run.extend(weights);
        let images = folder.mnasc(&run).done().json()["images"].as_array().unwrap().clone();
        images.iter().map(|image| image["top"][0]["index"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let all: Vec<u64> = (0..10).collect();
    assert_eq!(read(["--weights", &weights]), all);
    assert_ne!(read(["--random-weights", "1"]), all);
}

#[test]
fn alpha_is_dropped_grey_is_spread_and_orientation_is_heeded() {
    let folder = Folder::new("kinds");
    let probabilities = |name: &str| {
        let run = ["run", "tiny.yaml", "--random-weights", "2", "--json", "--image", name];
        folder.mnasc(&run).done().json()["images"][0]["top"].clone()
    };
    let rgb = picture();
    rgb.save(folder.path("rgb.png")).unwrap();
    RgbaImage::from_fn(50, 40, |x, y| {
        let [r, g, b] = rgb.get_pixel(x, y).0;
        Rgba([r, g, b, x as u8])
    })
    .save(folder.path("rgba.png"))
    .unwrap();
    assert_eq!(probabilities("rgba.png"), probabilities("rgb.png"));

    let grey = GrayImage::from_fn(50, 40, |x, y| image::Luma([(3 * x + 2 * y) as u8]));
    grey.save(folder.path("grey.png")).unwrap();
    RgbImage::from_fn(50, 40, |x, y| Rgb([grey.get_pixel(x, y).0[0]; 3])).save(folder.path("spread.png")).unwrap();
    assert_eq!(probabilities("grey.png"), probabilities("spread.png"));

    // An Exif segment that says "rotate by 180 degrees to see me", after the start of the image.
    rgb.save(folder.path("plain.jpg")).unwrap();
    let plain = folder.read("plain.jpg");
    let exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0";
    folder.write("turned.jpg", [&plain[..2], exif, &plain[2..]].concat());
    let decoded = image::open(folder.path("plain.jpg")).unwrap();
    decoded.rotate180().save(folder.path("turned.png")).unwrap();
    assert_eq!(probabilities("turned.jpg"), probabilities("turned.png"));
    assert_ne!(probabilities("turned.jpg"), probabilities("plain.jpg"));
}

#[test]
fn files_that_are_not_pictures_are_refused() {
    let folder = Folder::new("no-pictures");
    let run = ["run", "tiny.yaml", "--random-weights", "2", "--image"];
    picture().save(folder.path("good.png")).unwrap();
    let good = folder.read("good.png");
    folder.write("cut.png", &good[..good.len() / 2]);
    folder.mnasc(&[&run[..], &["good.png", "cut.png"]].concat()).failed(2, &["cannot read the picture `cut.png`"]);
    folder
        .mnasc(&[&run[..], &["labels.txt"]].concat())
        .failed(2, &["cannot read the picture `labels.txt`", "JPEG and PNG"]);
    folder.mnasc(&[&run[..], &["none.png"]].concat()).failed(3, &["cannot read `none.png`"]);
    RgbImage::new(1, 60_000).save(folder.path("thin.png")).unwrap();
    folder.mnasc(&[&run[..], &["thin.png"]].concat()).done();

    folder.write("labels.txt", "too\nfew\n");
    folder.mnasc(&[&run[..], &["good.png"]].concat()).failed(2, &["2 labels for 10 classes"]);
}
