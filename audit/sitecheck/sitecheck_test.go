package sitecheck

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func page(t *testing.T, raw string) Page {
	t.Helper()
	p, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParse(t *testing.T) {
	for raw, why := range map[string]string{
		"https://example.com/": "", "http://u:secret@example.com:8080/a?b#c": "", "http://[::1]/": "",
		"example.com": "does not begin with http", "ftp://example.com/": "does not begin with http", "": "does not begin",
		"https:///path": "names no host", "http://": "names no host", "http://a b/": "no URL", "ftp://u:secret@example.com": "does not begin",
		"\x1bhttp://x": "no URL",
	} {
		p, err := Parse(raw)
		if (err == nil) != (why == "") || err != nil && (!strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%q: %v", raw, err)
		}
		if err == nil && strings.Contains(p.String(), "secret") {
			t.Errorf("%q is shown as %q", raw, p)
		}
	}
}

// TestFetch asks a server for every kind of answer.
func TestFetch(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	defer elsewhere.Close()
	other := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
	mux := http.NewServeMux()
	answer := func(path string, status int, location string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cache-Control") != "no-cache" || r.Header.Get("User-Agent") != "hostperm/1.2" {
				t.Errorf("%s: header %v", path, r.Header)
			}
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(status)
		})
	}
	answer("/ok", 200, "")
	answer("/created", 201, "")
	answer("/forbidden", 403, "")
	answer("/broken", 500, "")
	answer("/to-ok", 302, "/ok")
	answer("/to-forbidden", 301, "/forbidden")
	answer("/away", 302, other+"/")
	answer("/round", 302, "/round")
	answer("/not-modified", 304, "")
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/header", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X", strings.Repeat("x", 2*maxHeader)) })
	server := httptest.NewServer(mux)
	defer server.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()

	tests := []struct {
		url    string
		status int
		err    string
		works  bool
	}{
		{server.URL + "/ok", 200, "", true},
		{server.URL + "/created", 201, "", true},
		{server.URL + "/forbidden", 403, "", false},
		{server.URL + "/broken", 500, "", false},
		{server.URL + "/nowhere", 404, "", false},
		{server.URL + "/to-ok", 200, "", true},
		{server.URL + "/to-forbidden", 403, "", false},
		{server.URL + "/away", 302, "", true},
		{server.URL + "/not-modified", 304, "", true},
		{server.URL + "/round", 0, "more than 10 redirects", false},
		{server.URL + "/endless", 200, "", true},
		{server.URL + "/header", 0, "header", false},
		{"http://" + closed.Addr().String() + "/", 0, "refused", false},
	}
	var pages []Page
	for _, test := range tests {
		pages = append(pages, page(t, test.url))
	}
	states, err := New(pages, "1.2").Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, test := range tests {
		s := states[i]
		if s.Status != test.status || s.Works() != test.works || (s.Err == nil) != (test.err == "") || !strings.Contains(s.String(), test.err) {
			t.Errorf("%s: %+v", test.url, s)
		}
	}
}

// TestFetchAgain tries a page that worked once more, and only such a one.
func TestFetchAgain(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(503)
		}
	}))
	defer server.Close()
	for _, worked := range []bool{true, false} {
		asked.Store(0)
		c := New([]Page{page(t, server.URL)}, "")
		c.breather = 0
		before := []State{{Status: 500}}
		if worked {
			before[0].Status = 200
		}
		states, err := c.FetchAgain(t.Context(), before)
		if err != nil || states[0].Works() != worked || (asked.Load() == 2) != worked {
			t.Errorf("worked before %v: %+v after %d requests, error %v", worked, states, asked.Load(), err)
		}
	}
}

// TestFetchEnds: a server that says nothing holds nobody longer than the context
// does.
func TestFetchEnds(t *testing.T) {
	silent := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent }))
	defer server.Close()
	defer close(silent)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	states, err := New([]Page{page(t, server.URL), page(t, server.URL)}, "").Fetch(ctx)
	if err == nil || states[0].Works() || states[1].Works() {
		t.Errorf("%+v, error %v", states, err)
	}
}

// TestNoPasswordInErrors: what went wrong is told without the URL.
func TestNoPasswordInErrors(t *testing.T) {
	u, _ := url.Parse("http://user:hunter2@127.0.0.1:1/")
	states, _ := New([]Page{{u}}, "").Fetch(t.Context())
	if s := states[0].String(); states[0].Err == nil || strings.Contains(s, "hunter2") {
		t.Errorf("%q", s)
	}
}
