package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"hostperm/audit/report"
)

// scriptSchema holds real output to its published schema: each line of jsonl,
// each document of json.
func scriptSchema(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: schema FORMAT FILE")
	}
	text, err := report.Schema(args[0])
	ts.Check(err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	ts.Check(err)
	compiler := jsonschema.NewCompiler()
	ts.Check(compiler.AddResource("mem:///schema", doc))
	schema, err := compiler.Compile("mem:///schema")
	ts.Check(err)
	n := 0
	for d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[1]))); ; n++ {
		var raw json.RawMessage
		if err := d.Decode(&raw); err == io.EOF {
			break
		} else if err != nil {
			ts.Fatalf("%s, document %d: %v", args[1], n+1, err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		ts.Check(err)
		if err := schema.Validate(value); err != nil {
			ts.Fatalf("%s, document %d: %v\n%s", args[1], n+1, err, raw)
		}
	}
	if n == 0 {
		ts.Fatalf("%s is empty", args[1])
	}
}

// scriptMute listens until the script ends, and never says a word.
func scriptMute(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: mute")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv("PORT", strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	var conns []net.Conn
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns = append(conns, conn)
		}
	})
	ts.Defer(func() {
		listener.Close()
		work.Wait()
		for _, conn := range conns {
			conn.Close()
		}
	})
}
