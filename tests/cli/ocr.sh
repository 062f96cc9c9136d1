#!/usr/bin/env bash
# Scanned pages: read by tesseract when it is there and wanted, named when they are not.
. "$(dirname "$0")/lib.sh"
: "${SCAN:?names the program that makes pictures of pages}"

"$SCAN" "$SAMPLES/night-shift-policy.pdf" "$docs/scan.pdf"
"$SCAN" "$SAMPLES/night-shift-policy.pdf" "$docs/half.pdf" 2

# Not read: the whole file, or pages of it, with the reason.
run 2 add --ocr perhaps "$docs/scan.pdf"; one_sentence
run 4 add --no-embed --ocr never "$docs/scan.pdf"; err_has 'scan.pdf'; err_has 'pictures'; err_has '--ocr never'
run 0 add --no-embed --ocr never --json "$docs/half.pdf"
json '.added == 1 and .ocr_pages == 0 and (.partly[0].reason | startswith("1 of its 2 pages"))'
err_has 'partly read'
run 0 search --mode lexical --json 'night coordinator extension'; json '.hits[0].ocr == false'

command -v tesseract >/dev/null || skip "tesseract is not installed"

# add tries again what failed, and says what is OCR in text and JSON.
run 0 add --no-embed --json "$docs/scan.pdf"; json '.updated + .added == 1 and .ocr_pages == 2 and .partly == []'
run 0 search --mode lexical --json 'insulin heparin'
json '.hits[0] | .ocr and .page == 2 and (.document | endswith("scan.pdf")) and (.text | contains("vasopressors"))'
run 0 search --mode lexical 'insulin heparin'; out_has 'p. 2 (read by OCR)'
run 0 show --json scan.pdf; json '.passages | all(.ocr)'
run 0 ask --json 'Which documents mention vasopressors?'; json '.citations | length == 1 and .[0].ocr'

# A page with text of its own keeps it, unless OCR is wanted always.
"$SCAN" "$SAMPLES/night-shift-policy.pdf" "$docs/mixed.pdf" 1
run 0 add --no-embed --json "$docs/mixed.pdf"; json '.ocr_pages == 1'
cp "$SAMPLES/study-report.pdf" "$docs/text.pdf"
run 0 add --no-embed --json "$docs/text.pdf"; json '.ocr_pages == 0'
cp "$SAMPLES/product-dossier.pdf" "$docs/all.pdf"
run 0 add --no-embed --ocr always --json "$docs/all.pdf"; json '.ocr_pages == .pages and .pages > 0'
echo passed
