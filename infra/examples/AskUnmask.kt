// Upload → ask by id → watch, with Last-Event-ID. `token` is a client token from your own server: an app never holds a key.
// Needs OkHttp 4 or 5. Not compiled by this repository's tests. In the background, and told by push: infra/docs/guides/phones.md.
import java.io.File
import java.io.IOException
import java.util.UUID
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.asRequestBody
import okhttp3.RequestBody.Companion.toRequestBody
import org.json.JSONObject

class Unmask(private val url: String, private val token: String, private val http: OkHttpClient = OkHttpClient()) {
    private fun request(path: String) = Request.Builder().url("$url$path").header("Authorization", "Bearer $token")

    /** Keeps a picture and returns its id; off the main thread, as all of this. */
    fun upload(jpeg: File): String {
        val body = jpeg.asRequestBody("image/jpeg".toMediaType())
        http.newCall(request("/v1/images").post(body).build()).execute().use { reply ->
            val told = reply.body!!.string()
            check(reply.isSuccessful) { told } // A problem with `code` and `detail`.
            return JSONObject(told).getString("id")
        }
    }

    /** Tells each event's name and data; a stream that breaks is taken up behind the last one that was heard. */
    fun ask(question: String, image: String, tell: (event: String, data: JSONObject) -> Unit) {
        val body = JSONObject().put("question", question).put("image", JSONObject().put("id", image)).toString()
        var asking = request("/v1/answers").header("Accept", "text/event-stream").header("Idempotency-Key", UUID.randomUUID().toString())
            .post(body.toRequestBody("application/json".toMediaType())).build()
        var event = ""
        var last = ""
        repeat(5) {
            try {
                http.newCall(asking).execute().use { reply ->
                    val lines = reply.body!!.source()
                    check(reply.code == 200) { lines.readUtf8() } // A problem with `code` and `detail`.
                    while (true) {
                        val line = lines.readUtf8Line() ?: break
                        if (line.startsWith("event: ")) event = line.substring(7)
                        if (line.startsWith("id: ")) last = line.substring(4)
                        if (!line.startsWith("data: ")) continue
                        tell(event, JSONObject(line.substring(6))) // Each event has one line of data.
                        if (event !in listOf("answer.started", "answer.frame", "answer.restarted")) return
                    }
                }
            } catch (_: IOException) {}
            // Not begun: asked again under the same key, charged once.
            if (last.isNotEmpty())
                asking = request("/v1/answers/${last.substringBeforeLast('.')}/events")
                    .header("Accept", "text/event-stream").header("Last-Event-ID", last).build()
        }
    }
}
