// Upload → ask by id → watch, with Last-Event-ID. `token` is a client token from your own server: an app never holds a key.
// Not compiled by this repository's tests. What goes in the background, and how to be told by push: infra/docs/guides/phones.md.
import Foundation

struct Upload: Decodable { let id: String }
struct Refused: Error { let problem: Data } // Its `code` is what to switch on, its `detail` for people.

struct Unmask {
    let url: URL
    let token: String

    func request(_ method: String, _ path: String, _ headers: [String: String] = [:]) -> URLRequest {
        var request = URLRequest(url: url.appending(path: path))
        request.httpMethod = method
        request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        return request
    }

    /// Keeps a picture and returns its id.
    func upload(_ jpeg: Data) async throws -> String {
        let head = request("POST", "v1/images", ["Content-Type": "image/jpeg"])
        let (body, reply) = try await URLSession.shared.upload(for: head, from: jpeg)
        guard let reply = reply as? HTTPURLResponse, reply.statusCode < 300 else { throw Refused(problem: body) }
        return try JSONDecoder().decode(Upload.self, from: body).id
    }

    /// Tells each event's name and data; a stream that breaks is taken up behind the last one that was heard.
    func ask(_ question: String, image: String, tell: (String, Data) -> Void) async throws {
        var asking = request("POST", "v1/answers", ["Content-Type": "application/json",
            "Accept": "text/event-stream", "Idempotency-Key": UUID().uuidString])
        asking.httpBody = try JSONSerialization.data(withJSONObject: ["question": question, "image": ["id": image]])
        var (event, last) = ("", "")
        for _ in 0..<5 {
            do {
                let (bytes, reply) = try await URLSession.shared.bytes(for: asking)
                guard (reply as? HTTPURLResponse)?.statusCode == 200 else {
                    throw Refused(problem: try await bytes.reduce(into: Data()) { $0.append($1) })
                }
                for try await line in bytes.lines {
                    if line.hasPrefix("event: ") { event = String(line.dropFirst(7)) }
                    if line.hasPrefix("id: ") { last = String(line.dropFirst(4)) }
                    guard line.hasPrefix("data: ") else { continue }
                    tell(event, Data(line.dropFirst(6).utf8)) // Each event has one line of data.
                    if !["answer.started", "answer.frame", "answer.restarted"].contains(event) { return }
                }
            } catch is URLError {}
            guard let dot = last.lastIndex(of: ".") else { continue } // Not begun: asked again under the same key, charged once.
            asking = request("GET", "v1/answers/\(last[..<dot])/events", ["Accept": "text/event-stream", "Last-Event-ID": last])
        }
    }
}
