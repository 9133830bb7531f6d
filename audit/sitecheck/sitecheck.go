// Package sitecheck finds out whether pages of a site still work, as a visitor's
// browser would: by fetching them before and after something was done to it.
//
// A page works if it is answered with a status of 2xx or 3xx. Redirects are
// followed on the same host only, and one that leads elsewhere counts as an
// answer; at most ten are. Caches are asked to look again (RFC 9111, 5.2.1.4).
// The body is not read. Proxies are taken from the environment, as curl does.
package sitecheck

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// perFetch is how long a page may take, redirects and a second try included.
	perFetch = 15 * time.Second
	// atOnce is how many pages are fetched at a time.
	atOnce = 4
	// maxRedirects is how many are followed.
	maxRedirects = 10
	// maxHeader is how many bytes of header a server may send.
	maxHeader = 64 << 10
	// breather is how long a page that fails is given before it is tried again: a
	// server that restarts is no site that is broken.
	breather = time.Second
)

// State is what became of fetching a page.
type State struct {
	Status int   // of the last answer; 0: there was none
	Err    error // why there was none
}

// Works reports whether the page was answered with a status of 2xx or 3xx.
func (s State) Works() bool { return s.Status >= 200 && s.Status < 400 }

// String gives the status, or why there is none. It may hold what a server sent.
func (s State) String() string {
	if s.Err != nil {
		return "no answer: " + s.Err.Error()
	}
	return fmt.Sprint(s.Status)
}

// Page is one to be checked.
type Page struct{ url *url.URL }

// String is the page's URL without its password.
func (p Page) String() string { return p.url.Redacted() }

// Parse takes a URL of http or https, with a host. An error names what was given,
// but for a password in it.
func Parse(raw string) (Page, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return Page{}, errors.New("it is no URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return Page{}, fmt.Errorf("%q does not begin with http:// or https://", u.Redacted())
	case u.Hostname() == "":
		return Page{}, fmt.Errorf("%q names no host", u.Redacted())
	}
	u.Fragment = ""
	return Page{u}, nil
}

// Checker fetches pages. It may be used by one goroutine at a time.
type Checker struct {
	pages    []Page
	client   *http.Client
	agent    string
	breather time.Duration
}

// New gives a Checker of pages. version is that of hostperm, for the User-Agent.
func New(pages []Page, version string) *Checker {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader}
	return &Checker{pages: pages, client: &http.Client{Transport: transport, CheckRedirect: redirect}, agent: "hostperm/" + version, breather: breather}
}

// Pages gives the pages, in the order of what Fetch and FetchAgain give.
func (c *Checker) Pages() []Page { return c.pages }

// redirect follows on the host that was asked for.
func redirect(req *http.Request, via []*http.Request) error {
	switch {
	case !strings.EqualFold(req.URL.Hostname(), via[0].URL.Hostname()):
		return http.ErrUseLastResponse
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	return nil
}

// Fetch fetches all pages. The error is ctx's.
func (c *Checker) Fetch(ctx context.Context) ([]State, error) {
	return c.fetchAll(ctx, func(ctx context.Context, i int) State { return c.fetch(ctx, c.pages[i]) })
}

// FetchAgain fetches all pages, and those that worked before and do not now once
// more after a pause.
func (c *Checker) FetchAgain(ctx context.Context, before []State) ([]State, error) {
	return c.fetchAll(ctx, func(ctx context.Context, i int) State {
		s := c.fetch(ctx, c.pages[i])
		if s.Works() || !before[i].Works() {
			return s
		}
		select {
		case <-time.After(c.breather):
		case <-ctx.Done():
			return s
		}
		return c.fetch(ctx, c.pages[i])
	})
}

func (c *Checker) fetchAll(ctx context.Context, fetch func(ctx context.Context, i int) State) ([]State, error) {
	states := make([]State, len(c.pages))
	room := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i := range c.pages {
		room <- struct{}{}
		group.Go(func() {
			defer func() { <-room }()
			ctx, cancel := context.WithTimeout(ctx, perFetch)
			defer cancel()
			states[i] = fetch(ctx, i)
		})
	}
	group.Wait()
	return states, ctx.Err()
}

func (c *Checker) fetch(ctx context.Context, p Page) State {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url.String(), nil)
	if err != nil {
		return State{Err: errors.New("it cannot be asked for")}
	}
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("Pragma", "no-cache")
	answer, err := c.client.Do(req)
	if err != nil {
		var wrapped *url.Error // which has the URL
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("none within %v", perFetch)
		}
		return State{Err: err}
	}
	answer.Body.Close()
	return State{Status: answer.StatusCode}
}
