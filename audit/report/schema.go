package report

import (
	"embed"
	"fmt"

	"hostperm/audit"
	"hostperm/remote"
)

//go:embed schema/*.schema.json
var schemaFiles embed.FS

// Schema gives the JSON Schema (draft 2020-12) of an output format: of a whole
// document for json, of each line for jsonl. Any other format has none, which
// is an error that is remote.ErrUsage.
func Schema(format string) ([]byte, error) {
	if format != "json" && format != "jsonl" {
		err := fmt.Errorf("%w: the format %s has no schema", remote.ErrUsage, audit.Quote(format))
		return nil, remote.WithHint(err, "json and jsonl have one")
	}
	b, err := schemaFiles.ReadFile("schema/" + format + ".schema.json")
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	return b, nil
}
