package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// Text writes the document as a policy file, which ParseDocument reads back as
// the same, but for positions and comments.
func (d *Document) Text() string {
	w := &yamlWriter{}
	w.text("", "description", d.Description)
	w.text("", "layer", d.Layer.String())
	var extends []string
	for _, r := range d.Extends {
		extends = append(extends, r.Name)
	}
	w.list("", "extends", extends)
	w.web(&d.Web)
	if d.GroupWrites {
		w.line("group-writes: true")
	}
	w.roles(d.Roles)
	w.heading("expect", len(d.Expect))
	for _, e := range d.Expect {
		w.expectation(e, "")
	}
	w.severities(d.Severities, nil)
	w.heading("ignore", len(d.Ignore))
	for _, i := range d.Ignore {
		w.ignore(i, "")
	}
	if w.b.Len() == 0 {
		w.line("expect: []") // a file is never empty
	}
	return w.b.String()
}

type yamlWriter struct{ b strings.Builder }

func (w *yamlWriter) line(parts ...string) {
	for _, p := range parts {
		w.b.WriteString(p)
	}
	w.b.WriteByte('\n')
}

func (w *yamlWriter) heading(key string, n int) {
	if n > 0 {
		w.line(key, ":")
	}
}

// from writes where the following comes from.
func (w *yamlWriter) from(origin string) {
	if origin != "" {
		w.line("  # ", origin)
	}
}

func (w *yamlWriter) text(indent, key, value string) {
	if value != "" {
		w.line(indent, key, ": ", yamlText(value))
	}
}

func (w *yamlWriter) list(indent, key string, values []string) {
	if len(values) > 0 {
		w.line(indent, key, ": ", yamlList(values))
	}
}

// one writes a list of one as its item.
func (w *yamlWriter) one(indent, key string, values []string) {
	if len(values) == 1 {
		w.text(indent, key, values[0])
		return
	}
	w.list(indent, key, values)
}

// yamlText quotes unless every reader takes the text for a plain word. What
// strconv.Quote escapes, double quotes in YAML 1.2 (7.3.1) escape alike.
func yamlText(s string) string {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || i == len(s)-1 && c != '_' && (c < '0' || c > '9') ||
			!strings.ContainsRune("0123456789-_./ ", rune(c))) {
			return strconv.QuoteToASCII(s)
		}
	}
	switch strings.ToLower(s) {
	case "", "y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan":
		return strconv.QuoteToASCII(s)
	}
	return s
}

func yamlList(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = yamlText(v)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func (w *yamlWriter) accounts(indent, key string, list []Account) {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = a.yaml()
	}
	switch len(words) {
	case 0:
	case 1:
		w.line(indent, key, ": ", words[0])
	default:
		w.line(indent, key, ": [", strings.Join(words, ", "), "]")
	}
}

func (a Account) yaml() string {
	if a.Name == "" {
		return strconv.FormatUint(uint64(a.ID), 10)
	}
	return yamlText(a.Name)
}

// String gives the name, or the number.
func (a Account) String() string {
	if a.Name == "" {
		return strconv.FormatUint(uint64(a.ID), 10)
	}
	return a.Name
}

func (w *yamlWriter) web(web *Web) {
	if !web.User.Exists && web.PHP == "" {
		return
	}
	w.line("web:")
	if web.User.Exists {
		w.line("  user: ", web.User.yaml())
	}
	w.accounts("  ", "groups", web.Groups)
	w.text("  ", "php", web.PHP)
}

func (w *yamlWriter) roles(roles []Role) {
	w.heading("roles", len(roles))
	for _, r := range roles {
		w.one("  ", r.Name, globs(r.Patterns))
	}
}

func globs(patterns []Pattern) []string {
	out := make([]string, len(patterns))
	for i, p := range patterns {
		out[i] = p.Glob
	}
	return out
}

func (w *yamlWriter) expectation(e *Expectation, origin string) {
	w.from(origin)
	if len(e.Patterns) > 0 {
		w.one("  - ", "path", globs(e.Patterns))
	} else {
		w.text("  - ", "role", e.Role)
	}
	w.modes("files", e.Files)
	w.modes("dirs", e.Dirs)
	w.accounts("    ", "owner", e.Owner)
	w.accounts("    ", "group", e.Group)
	if e.Secret {
		w.line("    secret: true")
	}
	w.text("    ", "why", e.Why)
}

func (w *yamlWriter) modes(key string, m *Modes) {
	if m == nil {
		return
	}
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+": "+value)
		}
	}
	quoted := make([]string, len(m.Allow))
	for i, a := range m.Allow {
		quoted[i] = strconv.Quote(a)
	}
	if m.Want != "" {
		add("want", strconv.Quote(m.Want))
	}
	if len(m.Allow) > 0 {
		add("allow", "["+strings.Join(quoted, ", ")+"]")
	}
	for _, bits := range []struct{ name, value string }{{"require", m.Require}, {"forbid", m.Forbid}} {
		if bits.value != "" {
			add(bits.name, strconv.Quote(bits.value))
		}
	}
	w.line("    ", key, ": {", strings.Join(parts, ", "), "}")
}

func (w *yamlWriter) severities(list []RuleSeverity, origin func(RuleSeverity) string) {
	w.heading("severity", len(list))
	for _, s := range list {
		if origin != nil {
			w.from(origin(s))
		}
		w.line("  ", s.Rule, ": ", s.Severity.String())
	}
}

func (w *yamlWriter) ignore(i *Ignore, origin string) {
	w.from(origin)
	w.one("  - ", "path", globs(i.Patterns))
	w.list("    ", "rules", i.Rules)
	w.text("    ", "reason", i.Reason)
	if i.Until != "" {
		w.line("    until: ", fmt.Sprintf("%q", i.Until))
	}
}
